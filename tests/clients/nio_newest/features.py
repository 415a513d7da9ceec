"""Every feature of matrix-nio's client against a server: usage: features.py SETTINGS_AS_JSON

Prints a line of JSON for each feature, and one with the requests that exist and those that were answered with success.
"""

import asyncio
import json
import sys
import traceback

import accounts  # noqa: F401
import encryption  # noqa: F401
import rooms  # noqa: F401
import talk  # noqa: F401
from recorded import FEATURES, REQUESTS, Server, succeeded


async def main():
    settings = json.loads(sys.argv[1])
    for name, feature in FEATURES.items():
        server = Server(settings)
        error = None
        try:
            await feature(server)
        except Exception:
            error = traceback.format_exc()
        await server.close()
        print(json.dumps({"feature": name, "error": error}), flush=True)
    print(json.dumps({"requests": sorted(REQUESTS), "succeeded": sorted(succeeded)}))


asyncio.run(main())
