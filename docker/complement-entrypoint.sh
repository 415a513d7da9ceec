#!/bin/sh
# Starts the server as Complement wants it: SERVER_NAME in the environment, its certificate authority
# in /complement/ca, everything open, nothing limited. Runs again in containers made of stopped ones.
set -eu
: "${SERVER_NAME:?Complement sets SERVER_NAME}"
cd /complement

openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls/key.pem -subj "/CN=$SERVER_NAME" \
    -addext "subjectAltName=DNS:$SERVER_NAME,DNS:localhost,IP:127.0.0.1" -out tls/request.pem 2>/dev/null
openssl x509 -req -in tls/request.pem -CA ca/ca.crt -CAkey ca/ca.key -set_serial "0x$(openssl rand -hex 15)" \
    -days 30 -copy_extensions copy -out tls/certificate.pem 2>/dev/null

appservices=
for file in appservice/*.yaml; do
    [ ! -e "$file" ] || appservices="$appservices${appservices:+,}$PWD/$file"
done

# Rooms of version 10 unless a test asks for another: the suite expects creators among the power levels.
beffroi generate-config --server-name "$SERVER_NAME" \
    --set data_directory=data \
    --set 'listeners=[{address: "0.0.0.0:8008", apis: [client, federation, admin, health]},
                      {address: "0.0.0.0:8448", apis: [client, federation],
                       tls_certificate: tls/certificate.pem, tls_key: tls/key.pem}]' \
    --set registration.mode=open --set registration.guests=true --set registration.shared_secret=complement \
    --set rate_limits.enabled=false \
    --set passwords.argon2_iterations=1 --set passwords.argon2_memory_kib=64 --set passwords.length_min=1 \
    --set federation.allow_private_addresses=true --set federation.ca_file=ca/ca.crt --set outgoing.ca_file=ca/ca.crt \
    --set rooms.publish_room_list_over_federation=true --set rooms.encrypt_private_by_default=false \
    --set rooms.default_version=10 --set rooms.thread_subscriptions=true --set encryption.accept_unsigned_keys=true \
    --set media.unauthenticated_until=2100-01-01 --set url_previews.enabled=true --set 'url_previews.allow_networks=[0.0.0.0/0]' \
    --set "appservice_files=$appservices" \
    >beffroi.yaml
[ -e "data/signing-$SERVER_NAME.key" ] || beffroi generate-key >/dev/null
exec beffroi serve
