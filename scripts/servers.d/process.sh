# shellcheck shell=bash
# A server's life: its ports, its process, its end; part of scripts/servers.
# Uses $root and $home. What runs is noted in $home/NAME/running, one `key=value` a line.

# Ports that nobody listens on now. They are asked for together, or the same could
# come twice.
free_ports() {
    python3 - "$1" <<'PYTHON'
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(one.getsockname()[1] for one in held))
PYTHON
}

# Whether a server speaks HTTP there; it may well say that the request was wrong.
answers() {
    python3 - "$1" 2>/dev/null <<'PYTHON'
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=5)
except urllib.error.HTTPError:
    pass
PYTHON
}

# When a process began: with its number, that is who it is, though numbers are used
# again.
began() {
    LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null
}

noted() {
    sed -n "s/^$2=//p" "$home/$1/running" 2>/dev/null
}

running() {
    local pid
    pid=$(noted "$1" pid)
    [ -n "$pid" ] && [ "$(began "$pid")" = "$(noted "$1" began)" ]
}

# The path that answers as soon as all of a server is up.
health() {
    case $1 in
    moto) echo /moto-api/ ;;
    localemu) echo /_localemu/health ;;
    *) echo / ;;
    esac
}

# Runs a server in this process's place.
serve() {
    local name=$1 port=$2 second=$3 folder=$home/$1
    cd "$folder"
    # Credentials and profiles of this machine are none of theirs.
    unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL
    export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
    case $name in
    dynamodb-local)
        cd node_modules/amplify-dynamodb-simulator/emulator
        exec nice -n 10 java -Xmx1g -Djava.library.path=./DynamoDBLocal_lib \
            -cp 'DynamoDBLocal.jar:DynamoDBLocal_lib/*' "$root/scripts/servers.d/Loopback.java" \
            -inMemory -sharedDb -disableTelemetry -port "$port"
        ;;
    kinesis-mock)
        export KINESIS_MOCK_PLAIN_PORT=$port KINESIS_MOCK_TLS_PORT=$second LOG_LEVEL=WARN
        cd node_modules/kinesis-local # its certificate is looked for here
        exec nice -n 10 node --require "$root/scripts/servers.d/loopback.cjs" main.js
        ;;
    moto) exec nice -n 10 venv/bin/moto_server -H 127.0.0.1 -p "$port" ;;
    localemu)
        # Nothing is fetched, nothing reported, nothing written elsewhere.
        export DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 TMPDIR=$folder/tmp
        export PYTHONPATH=$root/scripts/servers.d/loopback PYTHONDONTWRITEBYTECODE=1
        mkdir -p "$TMPDIR"
        export PATH="$folder/venv/bin:$PATH" HOME=$folder XDG_CACHE_HOME=$folder/cache
        exec nice -n 10 localemu start --host 127.0.0.1 --port "$port"
        ;;
    esac
}

start_server() {
    local name=$1 folder=$home/$1 port second pid
    running "$name" && return
    read -r port second <<<"$(free_ports 2)"
    # A group of its own, so that it ends with all it started.
    set -m
    (serve "$name" "$port" "$second") >"$folder/log" 2>&1 </dev/null &
    pid=$!
    set +m
    {
        echo "pid=$pid"
        echo "url=http://127.0.0.1:$port"
        [ "$name" != kinesis-mock ] || echo "tls=https://127.0.0.1:$second"
        echo "began=$(began "$pid")"
    } >"$folder/running"
    for _ in $(seq 240); do
        answers "http://127.0.0.1:$port$(health "$name")" && return
        running "$name" || break
        sleep 0.5
    done
    stop_server "$name"
    left_out "$name" "it does not answer; see $folder/log"
}

# Ends a server that `start_server` began; a process that took its number since is
# none of ours.
stop_server() {
    local name=$1 pid
    if running "$name"; then
        pid=$(noted "$name" pid)
        kill -TERM -- "-$pid" 2>/dev/null || true
        for _ in $(seq 40); do
            kill -0 -- "-$pid" 2>/dev/null || break
            sleep 0.25
        done
        kill -KILL -- "-$pid" 2>/dev/null || true
        echo "stopped $name" >&2
    fi
    rm -f "$home/$name/running"
}

show_environment() {
    local name=$1 variable tls
    running "$name" || {
        echo "scripts/servers: $name does not run" >&2
        return 1
    }
    variable=HRLOAD_TEST_$(echo "$name" | tr 'a-z-' 'A-Z_')
    echo "export $variable=$(noted "$name" url)"
    tls=$(noted "$name" tls)
    [ -z "$tls" ] || echo "export ${variable}_TLS=$tls"
}
