#!/bin/sh
# The first start needs BEFFROI_SERVER_NAME and makes a configuration in the volume; later ones find
# it there. Every setting can be overridden by the environment: BEFFROI__section__key=value.
set -eu

if [ ! -e "$BEFFROI_CONFIG" ]; then
    if [ -z "${BEFFROI_SERVER_NAME-}" ]; then
        echo "beffroi: set BEFFROI_SERVER_NAME to what stands after the colon of user IDs, such as example.org." >&2
        echo "It can not be changed later." >&2
        exit 1
    fi
    # A container's own address is its border: what is published is up to whoever runs it.
    # shellcheck disable=SC2016
    beffroi generate-config --server-name "$BEFFROI_SERVER_NAME" \
        --set data_directory=data \
        --set 'listeners=[{address: "0.0.0.0:8008", apis: [client, federation, health]},
                          {address: "0.0.0.0:8448", apis: [client, federation], tls_self_signed: true},
                          {address: "127.0.0.1:9008", apis: [admin, metrics, health]}]' \
        >"$BEFFROI_CONFIG.new"
    mv "$BEFFROI_CONFIG.new" "$BEFFROI_CONFIG"
fi
exec beffroi "$@"
