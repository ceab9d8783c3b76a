"""Which service a push message goes to."""

import asyncio

from connectors.channels.devices import Devices
from schemas.messages import Message, Reply
from tests.providers.messengers import message


class Service:
    """Takes everything."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.is_closed = False

    async def send(self, message: Message) -> Reply:
        self.sent.append(message.id)
        return Reply(fate="accepted", detail="kept")

    async def close(self) -> None:
        self.is_closed = True


def test_message_goes_to_the_service_of_its_platform() -> None:
    google, apple = Service(), Service()

    async def run() -> list[str]:
        devices = Devices({"fcm": google, "apns": apple})
        given = [{"platform": "apns"}, {}, {"platform": "fcm"}, {"platform": "web"}]
        replies = [
            await devices.send(message("push", f"c-{at}", headers=each))
            for at, each in enumerate(given)
        ]
        assert await devices.look_up(message("push", "c-0")) is None
        await devices.close()
        return [reply.detail for reply in replies]

    assert asyncio.run(run()) == ["kept", "kept", "kept", "platform-unserved"]
    assert (apple.sent, google.sent) == (["c-0"], ["c-1", "c-2"])
    assert google.is_closed
    assert apple.is_closed
