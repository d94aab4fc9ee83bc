# shellcheck shell=bash
# What a server needs and where it comes from; part of scripts/servers.
# Uses $home.

# The package that brings a server, with its version.
pinned() {
    case $1 in
    dynamodb-local) echo "amplify-dynamodb-simulator@2.9.30" ;; # ships Amazon's jar and its native libraries
    kinesis-mock) echo "kinesis-local@0.6.2" ;;
    moto) echo "moto[server]==5.2.5" ;;
    localemu) echo "localemu==1.3.2" ;;
    esac
}

left_out() {
    echo "scripts/servers: $1 is left out: $2" >&2
    return 1
}

# A Python of at least MINOR (3.MINOR), also one that pyenv has but does not use.
python_with() {
    local minor=$1 candidate
    for candidate in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python3 python3; do
        if "$candidate" -c "import sys; sys.exit(sys.version_info < (3, $minor))" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# At least MAJOR, of a tool whose version is asked for with the arguments.
at_least() {
    local wanted=$1 found
    shift
    command -v "$1" >/dev/null || return 1
    found=$("$@" 2>&1 | sed -n '1s/^[^0-9]*\([0-9]*\).*/\1/p')
    [ "${found:-0}" -ge "$wanted" ]
}

install_server() {
    local name=$1 folder=$home/$1 package python log
    package=$(pinned "$name")
    [ "$(cat "$folder/whole" 2>/dev/null)" = "$package" ] && return
    # A port is looked for, and an answer waited for, in Python.
    command -v python3 >/dev/null || left_out "$name" "no python3" || return
    case $name in
    dynamodb-local)
        at_least 17 javac -version || left_out "$name" "no JDK 17 or later" || return
        command -v npm >/dev/null || left_out "$name" "no npm" || return
        ;;
    kinesis-mock)
        at_least 18 node --version || left_out "$name" "no Node.js 18 or later" || return
        command -v npm >/dev/null || left_out "$name" "no npm" || return
        ;;
    moto) python=$(python_with 10) || left_out "$name" "no Python 3.10 or later" || return ;;
    localemu) python=$(python_with 13) || left_out "$name" "no Python 3.13" || return ;;
    esac
    echo "installing $package into $folder" >&2
    log=$folder/install.log
    rm -rf "$folder"
    mkdir -p "$folder"
    if [ -n "${python:-}" ]; then
        nice -n 10 "$python" -m venv "$folder/venv" >"$log" 2>&1 &&
            nice -n 10 "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$package" >>"$log" 2>&1
    else
        (cd "$folder" && nice -n 10 npm install --prefix "$folder" --no-fund --no-audit "$package") >"$log" 2>&1
    fi || left_out "$name" "$package cannot be installed: $(tail -n 1 "$log")" || return
    echo "$package" >"$folder/whole"
}
