"""Accounts, sessions, profile, presence, devices, media and what is asked of the server itself."""

import io
import pathlib

import nio
from recorded import PASSWORD, feature, refused, unique, until


@feature
async def register_log_in_and_out(server):
    client = server.client()
    username = unique("anna")
    registered = await client.register(username, PASSWORD, device_name="Bureau")
    assert registered.user_id == f"@{username}:{server.server_name}"
    me = await client.whoami()
    assert (me.user_id, me.device_id, me.is_guest) == (registered.user_id, registered.device_id, False)

    flows = (await server.client().login_info()).flows
    assert "m.login.password" in flows and "m.login.token" in flows
    again = server.client(username)
    assert (await again.login(PASSWORD, device_name="Portable")).user_id == registered.user_id
    assert again.device_id != client.device_id
    identifier = {"type": "m.id.user", "user": username}
    raw = server.client()
    await raw.login_raw({"type": "m.login.password", "identifier": identifier, "password": PASSWORD})
    await refused("M_FORBIDDEN", server.client(username).login("not the password"))

    # A restored session is the session itself.
    restored = server.client()
    restored.restore_login(again.user_id, again.device_id, again.access_token)
    assert (await restored.whoami()).device_id == again.device_id
    await again.logout()
    await refused("M_UNKNOWN_TOKEN", restored.whoami())
    token = raw.access_token
    await client.logout(all_devices=True)
    raw.access_token = token
    await refused("M_UNKNOWN_TOKEN", raw.whoami())


@feature
async def log_in_with_a_token_of_another_device(server):
    anna = await server.user()
    body = {"auth": password_auth(anna)}
    token = (await server.raw(anna, "POST", "/_matrix/client/v1/login/get_token", body))["login_token"]
    other = server.client(anna.user_id)
    assert (await other.login(token=token)).user_id == anna.user_id


def password_auth(client, session=None):
    identifier = {"type": "m.id.user", "user": client.user_id}
    return {"type": "m.login.password", "identifier": identifier, "password": PASSWORD, "session": session}


@feature
async def register_step_by_step(server):
    client = server.client()
    username = unique("uia")
    asked = await client.register_interactive(username, PASSWORD, {"session": None})
    assert "m.login.dummy" in asked.stages, asked.stages
    done = await client.register(username, PASSWORD, session_token=asked.session)
    assert done.user_id == f"@{username}:{server.server_name}" and done.access_token


@feature
async def register_with_a_token(server):
    client = server.client(base_url=server.token_url)
    username = unique("invited")
    done = await client.register_with_token(username, PASSWORD, server.registration_token)
    assert done.user_id == f"@{username}:{server.server_name}"
    assert (await client.whoami()).user_id == done.user_id


@feature
async def find_the_server(server):
    assert (await server.client().discovery_info()).homeserver_url == server.told_url


@feature
async def profile(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    await anna.set_displayname("Anna Dupont")
    await anna.set_avatar("mxc://localhost/anna")
    assert (await ben.get_displayname(anna.user_id)).displayname == "Anna Dupont"
    assert (await ben.get_avatar(anna.user_id)).avatar_url == "mxc://localhost/anna"
    whole = await ben.get_profile(anna.user_id)
    assert (whole.displayname, whole.avatar_url) == ("Anna Dupont", "mxc://localhost/anna")
    await refused("M_NOT_FOUND", ben.get_profile(f"@nobody-at-all:{server.server_name}"))

    room_id = (await anna.room_create(invite=[ben.user_id])).room_id
    await ben.join(room_id)
    await anna.set_displayname("Anna Dupont-Martin")
    await until("the new name", ben, lambda _: ben.rooms[room_id].user_name(anna.user_id) == "Anna Dupont-Martin")


@feature
async def presence(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    room_id = (await anna.room_create(invite=[ben.user_id])).room_id
    await ben.join(room_id)
    await ben.sync(full_state=True)
    await anna.set_presence("unavailable", "in a meeting")
    seen = await ben.get_presence(anna.user_id)
    assert (seen.presence, seen.status_msg) == ("unavailable", "in a meeting")
    heard = lambda _: ben.rooms[room_id].users[anna.user_id].status_msg == "in a meeting"  # noqa: E731
    await until("the presence", ben, heard)
    await anna.sync(set_presence="online")
    assert (await ben.get_presence(anna.user_id)).presence == "online"


@feature
async def devices(server):
    anna = await server.user()
    second, third = await server.device_of(anna), await server.device_of(anna)
    await anna.update_device(second.device_id, {"display_name": "Téléphone"})
    names = {device.id: device.display_name for device in (await anna.devices()).devices}
    assert set(names) == {anna.device_id, second.device_id, third.device_id} and names[second.device_id] == "Téléphone"

    gone = [second.device_id, third.device_id]
    asked = await anna.delete_devices(gone)
    assert isinstance(asked, nio.DeleteDevicesAuthResponse), str(asked)
    deleted = await anna.delete_devices(gone, password_auth(anna, asked.session))
    assert isinstance(deleted, nio.DeleteDevicesResponse), str(deleted)
    assert [device.id for device in (await anna.devices()).devices] == [anna.device_id]
    await refused("M_UNKNOWN_TOKEN", second.whoami())


@feature
async def media(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    assert (await anna.content_repository_config()).upload_size >= 1024 * 1024
    picture = pathlib.Path(server.picture).read_bytes()
    options = {"content_type": "image/png", "filename": "été.png", "filesize": len(picture)}
    uploaded, _ = await anna.upload(io.BytesIO(picture), **options)
    mxc = uploaded.content_uri
    got = await ben.download(mxc)
    assert (got.body, got.content_type, got.filename) == (picture, "image/png", "été.png")
    assert (await ben.download(mxc, filename="other.png")).filename == "other.png"
    kept = await ben.download(mxc, save_to=pathlib.Path(server.directory) / "download.png")
    assert pathlib.Path(kept.body).read_bytes() == picture
    name, media_id = mxc.removeprefix("mxc://").split("/")
    small = await ben.thumbnail(name, media_id, 32, 32, method=nio.ResizingMethod.crop)
    assert small.content_type.startswith("image/") and 0 < len(small.body) != len(picture)
    assert media_id in await ben.mxc_to_http(mxc)
    await refused("M_NOT_FOUND", ben.download(f"mxc://{server.server_name}/nothing"))


@feature
async def openid(server):
    anna, ben = await server.user("anna"), await server.user("ben")
    token = await anna.get_openid_token(anna.user_id)
    assert token.matrix_server_name == server.server_name and token.expires_in > 0
    path = f"/_matrix/federation/v1/openid/userinfo?access_token={token.access_token}"
    assert (await server.raw(anna, "GET", path)) == {"sub": anna.user_id}
    await refused("M_FORBIDDEN", ben.get_openid_token(anna.user_id))


@feature
async def push_rules(server):
    anna = await server.user()
    override, content = nio.PushRuleKind.override, nio.PushRuleKind.content
    notify = [nio.PushNotify(), nio.PushSetTweak("sound", "default")]
    await anna.set_pushrule("global", content, "urgent", actions=notify, pattern="urgent")
    condition = nio.PushEventMatch("content.body", "*budget*")
    await anna.set_pushrule("global", override, "budget", actions=notify, conditions=[condition])
    await anna.set_pushrule("global", override, "first", before="budget", actions=[], conditions=[condition])
    await anna.set_pushrule_actions("global", content, "urgent", [])
    await anna.enable_pushrule("global", content, "urgent", False)
    rules = (await server.raw(anna, "GET", "/_matrix/client/v3/pushrules/"))["global"]
    assert [r["rule_id"] for r in rules["override"] if not r["default"]] == ["first", "budget"]
    urgent = next(r for r in rules["content"] if r["rule_id"] == "urgent")
    assert (urgent["pattern"], urgent["actions"], urgent["enabled"]) == ("urgent", [], False)
    await anna.delete_pushrule("global", content, "urgent")
    await refused("M_NOT_FOUND", anna.delete_pushrule("global", content, "urgent"))
