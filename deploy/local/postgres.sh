#!/usr/bin/env bash
# A real Postgres on this machine, without Docker: Debian's package, a cluster of its own, loopback only.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: postgres.sh start [--dir DIR] [--port N]
       postgres.sh stop [--dir DIR]
       postgres.sh status [--dir DIR]

start   starts a server in the background, waits until it answers, and prints its address as the
        last line: postgresql://beckon@127.0.0.1:PORT/beckon. Does nothing but print where it runs.
        Where no Postgres is installed and this is root on Debian, installs it with apt-get.
stop    ends the server; its data stay in DIR.
status  prints the address; exit code 1 where no server runs.

--dir   data and log of this server (default: .local/postgres of the project)
--port  default 5432; 0 chooses a free one

Postgres refuses root: started as root, it runs as the user postgres, who must be able to reach DIR.
Anyone on this machine may connect: it is for trying out and for tests.
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir="$here/../../.local/postgres"
port=5432
start_limit_s=60
user=beckon
system_user=postgres

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "postgres.sh: $*"
  exit 1
}

as_user() {
  if [ "$(id -u)" = 0 ]; then
    runuser -u "$system_user" -- "$@"
  else
    "$@"
  fi
}

# The newest that is installed.
find_bin() {
  bin=
  local one
  for one in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V); do
    [ ! -x "$one/postgres" ] || bin=$one
  done
  [ -n "$bin" ] || ! command -v postgres >/dev/null || bin=$(dirname "$(command -v postgres)")
  [ -n "$bin" ]
}

# The package would start a server of its own on the usual port: it is told not to.
install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
    fail "no Postgres found: install it (apt-get install postgresql)"
  say "installing postgresql"
  mkdir -p /etc/postgresql-common
  [ -f /etc/postgresql-common/createcluster.conf ] ||
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    postgresql) >"$dir/install.log" 2>&1 || {
    tail -n 20 "$dir/install.log" >&2
    fail "apt-get could not install postgresql"
  }
}

free_port() {
  python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'
}

running() { [ -d "$dir/data" ] && find_bin && as_user "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; }

make_cluster() {
  [ ! -f "$dir/data/PG_VERSION" ] || return 0
  mkdir -p "$dir/data" && chmod 700 "$dir/data"
  [ "$(id -u)" != 0 ] || chown "$system_user" "$dir/data"
  as_user test -w "$dir/data" || fail "the user $system_user can not reach $dir/data: choose another --dir"
  as_user "$bin/initdb" -D "$dir/data" -U "$user" --auth=trust -E UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 || {
    tail -n 20 "$dir/initdb.log" >&2
    fail "the cluster in $dir/data could not be made"
  }
}

start() {
  find_bin || { install && find_bin; } || fail "no Postgres found after installing it"
  if running; then
    cat "$dir/url"
    return
  fi
  make_cluster
  [ "$port" != 0 ] || port=$(free_port)
  : >"$dir/postgres.log"
  [ "$(id -u)" != 0 ] || chown "$system_user" "$dir/postgres.log"
  as_user "$bin/pg_ctl" -D "$dir/data" -l "$dir/postgres.log" -w -t "$start_limit_s" -s \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=''" start >/dev/null || {
    tail -n 20 "$dir/postgres.log" >&2
    fail "the server did not start within $start_limit_s s; its log is $dir/postgres.log"
  }
  local made
  made=$(as_user "$bin/psql" -h 127.0.0.1 -p "$port" -U "$user" -d postgres -Atc \
    "select 1 from pg_database where datname = '$user'")
  [ -n "$made" ] || as_user "$bin/createdb" -h 127.0.0.1 -p "$port" -U "$user" "$user"
  echo "postgresql://$user@127.0.0.1:$port/$user" | tee "$dir/url"
}

stop() {
  if ! running; then
    say "no server runs in $dir"
    return 0
  fi
  as_user "$bin/pg_ctl" -D "$dir/data" -m fast -w -s stop >/dev/null
  rm -f "$dir/url"
}

status() {
  running || fail "no server runs in $dir"
  cat "$dir/url"
}

verb=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
  case "$1" in
    --dir | --port) [ $# -ge 2 ] || fail "$1 needs a value" ;;
    *) usage >&2 && fail "unknown option: $1" ;;
  esac
  case "$1" in
    --dir) dir=$2 ;;
    --port) port=$2 ;;
  esac
  shift 2
done
case "$port" in
  *[!0-9]*) fail "a port is a number" ;;
esac
case "$verb" in
  start | stop | status) mkdir -p "$dir" && dir=$(cd "$dir" && pwd) && cd / && "$verb" ;;
  -h | --help | help) usage ;;
  *) usage >&2 && fail "say start, stop or status" ;;
esac
