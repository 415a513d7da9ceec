"""Uploading, downloading and looking after media in tests."""

import subprocess
from urllib.parse import quote

DOWNLOAD = "/_matrix/client/v1/media/download/{}/{}"
THUMBNAIL = "/_matrix/client/v1/media/thumbnail/{}/{}"


def split_mxc(uri):
    """(server name, media ID) of an mxc:// URI, for paths."""
    assert uri.startswith("mxc://"), uri
    server, media_id = uri[len("mxc://") :].split("/")
    return quote(server, safe=":"), media_id


def upload(client, content, content_type="application/octet-stream", name=None):
    query = {} if name is None else {"filename": name}
    headers = {"Content-Type": content_type}
    path = "/_matrix/media/v3/upload"
    answer = client.raw("POST", path, content=content, headers=headers, query=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["content_uri"]


def download(client, uri, headers=None, expect=200, **query):
    answer = client.raw("GET", DOWNLOAD.format(*split_mxc(uri)), headers=headers, query=query)
    assert answer.status_code == expect, f"{answer.status_code}: {answer.text[:2000]}"
    return answer


def count_objects(server):
    """Files in the media directory of a server of ours."""
    return sum(1 for path in (server.directory / "data" / "media").rglob("*") if path.is_file())


def media_tool(server, *arguments):
    """What `beffroi media` prints."""
    command = [server.binary, "media", *arguments, "--config", str(server.config)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


def count_rows(server):
    """Stored files that rows know: of media, and thumbnails."""
    return int(media_tool(server, "stats").split("\nstored")[1].split()[0])
