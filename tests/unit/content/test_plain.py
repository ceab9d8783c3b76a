"""The text of a mail, made of its HTML."""

import pytest

from processors.content import plain


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hi</p><p>there</p>", "Hi\n\nthere"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<h1>T</h1>x", "T\n\nx"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n\n- b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("<b>a</b>\n\n   <i>b</i>", "a b"),
        ('<img src="x" alt="Lamp">', "Lamp"),
        ('<a href="https://a.example/?b=1&amp;c=2">shop</a>', "shop (https://a.example/?b=1&c=2)"),
        ('<a href="https://a.example">https://a.example</a>', "https://a.example"),
        ('<a href="https://a.example"><img src="x"></a>', "https://a.example"),
        ('<a href="{{ url }}">shop</a>', "shop ({{ url }})"),
        ('<a href="mailto:a@b.example">write</a>', "write (a@b.example)"),
        ('<a href="#top">up</a>', "up"),
        ("<style>p {}</style><script>x</script><title>t</title>a", "a"),
        ('<div style="display: none">secret<p>x</p></div>a', "a"),
        ("<!-- x --><!--[if mso]><p>x</p><![endif]-->a", "a"),
        ("&lt;b&gt; &amp; &nbsp;&euro;", "<b> & €"),
        ("{% for i in items %}<p>{{ i.name }}</p>{% endfor %}",
         "{% for i in items %}\n\n{{ i.name }}\n\n{% endfor %}"),
        ('<p class="{% if a %}b{% endif %}">x</p>', "x"),
        ("&#123;&#123; x }}", "{% raw %}{{{% endraw %} x }}"),
        ("</p></a></div>a", "a"),
        ("", ""),
    ],
)  # fmt: skip
def test_says_what_the_html_says(html: str, text: str) -> None:
    assert plain.of_html(html) == text


def test_lines_are_tidied() -> None:
    assert plain.tidy("a  b \n\n\n\n c\t\n") == "a b\n\nc"
