#!/usr/bin/env bash
# A real single-node Kafka on this machine, without Docker: Java 17 or later, and Maven for the jars.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: kafka.sh start [--dir DIR] [--port N] [--sasl-password WORD [--sasl-port N]]
       kafka.sh stop [--dir DIR]
       kafka.sh status [--dir DIR]

start   fetches Kafka once, starts a broker in the background, waits until it answers, and prints
        its bootstrap server as the last line. Does nothing but print where it runs already.
stop    ends the broker; its data stay in DIR.
status  prints the bootstrap server; exit code 1 where no broker runs.

--dir            data, log and settings of this broker (default: .local/kafka of the project)
--port           default 9092; 0 chooses a free one
--sasl-password  opens a second listener (SASL_PLAINTEXT, PLAIN, user `beckon`) with this password;
                 its address is in DIR/bootstrap.secured
--sasl-port      port of the second listener (default: a free one)
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir="$here/../../.local/kafka"
port=9092
sasl_port=0
sasl_password=
start_limit_s=60
stop_limit_s=30
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")
jars="${XDG_CACHE_HOME:-$HOME/.cache}/beckon/kafka-$version"

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "kafka.sh: $*"
  exit 1
}

tail_of() { [ ! -f "$1" ] || tail -n "${2:-30}" "$1" >&2; }

# Locks that this run holds, by folder.
held=()
release() { [ ${#held[@]} -eq 0 ] || rm -rf "${held[@]}"; }
trap release EXIT
trap 'exit 130' INT TERM

# Waits for the folder $1 to be ours; a holder that died does not count.
acquire() {
  local waited=0 holder
  until mkdir "$1" 2>/dev/null; do
    holder=$(cat "$1/pid" 2>/dev/null || true)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
      rm -rf "$1"
      continue
    fi
    [ "$waited" -lt 3000 ] || fail "waited 10 minutes for another start; if there is none, remove $1"
    waited=$((waited + 1))
    sleep 0.2
  done
  held+=("$1")
  echo $$ >"$1/pid"
}

find_java() {
  java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
  command -v "$java" >/dev/null || fail "no Java found: install Java 17 or later, or set JAVA_HOME"
  local major
  major=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${major:-0}" -ge 17 ] || fail "Kafka $version needs Java 17 or later, found ${major:-an unknown one}"
}

# The folder gets its name only when every jar is in it, so a broken download leaves nothing behind.
fetch() {
  [ ! -f "$jars/kafka_2.13-$version.jar" ] || return 0
  mkdir -p "$(dirname "$jars")"
  acquire "$jars.lock"
  [ ! -f "$jars/kafka_2.13-$version.jar" ] || return 0
  command -v mvn >/dev/null || fail "no Maven found: install it (mvn), it fetches Kafka's jars"
  say "fetching Kafka $version into $jars"
  rm -rf "$jars.part" "$jars"
  if ! mvn --batch-mode --strict-checksums -f "$here/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime "-DoutputDirectory=$jars.part" >"$jars.log" 2>&1; then
    tail_of "$jars.log"
    fail "Maven could not fetch Kafka $version; all it said is in $jars.log"
  fi
  mv "$jars.part" "$jars"
}

# The process id, where it is a broker of this folder that lives.
running() {
  local pid
  pid=$(cat "$dir/kafka.pid" 2>/dev/null) || return 1
  case "$(ps -ww -p "$pid" -o args= 2>/dev/null)" in
    *"$dir/server.properties"*) echo "$pid" ;;
    *) return 1 ;;
  esac
}

free_ports() {
  python3 - "$1" <<'PYTHON'
import socket
import sys

held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(one.getsockname()[1] for one in held))
PYTHON
}

write_properties() {
  local controller_port free secured_listener= secured_protocol=
  free=$(free_ports 3)
  read -r controller_port free_port free_sasl_port <<<"$free"
  [ "$port" != 0 ] || port=$free_port
  [ "$sasl_port" != 0 ] || sasl_port=$free_sasl_port
  if [ -n "$sasl_password" ]; then
    secured_listener=",SECURED://127.0.0.1:$sasl_port"
    secured_protocol=",SECURED:SASL_PLAINTEXT"
  fi
  (
    umask 077
    cat >"$dir/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port$secured_listener
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT$secured_protocol
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=33554432
PROPERTIES
    [ -z "$sasl_password" ] || cat >>"$dir/server.properties" <<PROPERTIES
sasl.enabled.mechanisms=PLAIN
listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_beckon="$sasl_password";
PROPERTIES
  )
}

format_storage() {
  [ ! -f "$dir/data/meta.properties" ] || return 0
  local id
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'bk' | cut -c 1-22)
  "$java" -cp "$jars/*" "-Dlog4j2.configurationFile=$here/log4j2.properties" -Xshare:auto \
    -XX:TieredStopAtLevel=1 kafka.tools.StorageTool format --cluster-id "$id" \
    --config "$dir/server.properties" >"$dir/format.log" 2>&1 || {
    tail_of "$dir/format.log"
    fail "the storage in $dir/data could not be formatted"
  }
}

wait_until_up() {
  local pid=$1 tenths=0
  until grep -qs 'Kafka Server started' "$dir/kafka.log"; do
    if ! kill -0 "$pid" 2>/dev/null; then
      tail_of "$dir/kafka.log"
      fail "the broker ended while starting; its log is $dir/kafka.log"
    fi
    if [ "$tenths" -ge $((start_limit_s * 10)) ]; then
      tail_of "$dir/kafka.log"
      kill "$pid" 2>/dev/null || true
      fail "the broker did not answer within $start_limit_s s; its log is $dir/kafka.log"
    fi
    tenths=$((tenths + 1))
    sleep 0.1
  done
}

start() {
  acquire "$dir/lock"
  if running >/dev/null; then
    [ -z "$sasl_password" ] || [ -f "$dir/bootstrap.secured" ] ||
      fail "the broker in $dir runs without the secured listener: stop it first"
    cat "$dir/bootstrap"
    return
  fi
  find_java
  fetch
  write_properties
  format_storage
  rm -f "$dir/bootstrap" "$dir/bootstrap.secured"
  : >"$dir/kafka.log"
  # a broker that lives for minutes never earns back what its second compiler costs
  nohup "$java" -cp "$jars/*" -Xms256m -Xmx1g -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
    -XX:TieredStopAtLevel=1 \
    -Djava.awt.headless=true "-Dlog4j2.configurationFile=$here/log4j2.properties" \
    kafka.Kafka "$dir/server.properties" >>"$dir/kafka.log" 2>&1 </dev/null &
  local pid=$!
  echo "$pid" >"$dir/kafka.pid"
  wait_until_up "$pid"
  [ -z "$sasl_password" ] || echo "127.0.0.1:$sasl_port" >"$dir/bootstrap.secured"
  echo "127.0.0.1:$port" | tee "$dir/bootstrap"
}

stop() {
  local pid tenths=0
  if ! pid=$(running); then
    say "no broker runs in $dir"
    return 0
  fi
  kill "$pid"
  while running >/dev/null; do
    [ "$tenths" -lt $((stop_limit_s * 10)) ] || kill -9 "$pid" 2>/dev/null || true
    tenths=$((tenths + 1))
    sleep 0.1
  done
  rm -f "$dir/kafka.pid" "$dir/bootstrap" "$dir/bootstrap.secured"
}

status() {
  running >/dev/null || fail "no broker runs in $dir"
  cat "$dir/bootstrap"
}

verb=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
  case "$1" in
    --dir | --port | --sasl-password | --sasl-port) [ $# -ge 2 ] || fail "$1 needs a value" ;;
    *) usage >&2 && fail "unknown option: $1" ;;
  esac
  case "$1" in
    --dir) dir=$2 ;;
    --port) port=$2 ;;
    --sasl-password) sasl_password=$2 ;;
    --sasl-port) sasl_port=$2 ;;
  esac
  shift 2
done
case "$port$sasl_port" in
  *[!0-9]*) fail "a port is a number" ;;
esac
case "$sasl_password" in
  *[!A-Za-z0-9_.-]*) fail "the password may have letters, digits and _ . - only" ;;
esac
case "$verb" in
  start | stop | status) mkdir -p "$dir" && dir=$(cd "$dir" && pwd) && "$verb" ;;
  -h | --help | help) usage ;;
  *) usage >&2 && fail "say start, stop or status" ;;
esac
