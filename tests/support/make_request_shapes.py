"""Makes tests/vectors/request-shapes.jsonl from a checkout of the Matrix specification.

usage: /usr/bin/python3 tests/support/make_request_shapes.py SPEC > tests/vectors/request-shapes.jsonl

One line per operation of the client-server API: what its query parameters and the members of its JSON body are.
A type is "string", "integer", "number", "boolean", "object", "array" or "any"; {"member": type} is an object with
known members, [type] an array; a "!" after the member's name says that it is required, "a|b" that both types are allowed.
"""

import json
import pathlib
import sys

import yaml

DEPTH_MAX = 3


def load(path, cache={}):
    if path not in cache:
        cache[path] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return cache[path]


def follow(node, path):
    """The node behind $ref, and the file that it stands in."""
    while isinstance(node, dict) and "$ref" in node:
        file, _, pointer = node["$ref"].partition("#")
        path = (path.parent / file).resolve() if file else path
        node = load(path)
        for key in pointer.strip("/").split("/") if pointer else []:
            node = node[key]
    return node, path


def members(schema, path):
    """(name, schema, path, required) of an object's members, those of allOf included."""
    schema, path = follow(schema, path)
    required = schema.get("required", [])
    found = {name: (part, path, name in required) for name, part in schema.get("properties", {}).items()}
    for part in schema.get("allOf", []):
        for name, (inner, inner_path, inner_required) in members(part, path).items():
            found[name] = (inner, inner_path, inner_required or name in required)
    return found


def shape(schema, path, depth=0):
    schema, path = follow(schema, path)
    if "oneOf" in schema or "anyOf" in schema:
        choices = [shape(part, path, depth + 1) for part in schema.get("oneOf") or schema["anyOf"]]
        return "|".join(choices) if all(isinstance(choice, str) for choice in choices) else "any"
    kind = schema.get("type")
    if isinstance(kind, list):
        return "|".join(kind)
    inner = members(schema, path)
    if inner and depth < DEPTH_MAX and kind in (None, "object"):
        return {
            name + ("!" if required else ""): shape(part, part_path, depth + 1)
            for name, (part, part_path, required) in sorted(inner.items())
        }
    if kind == "array" and "items" in schema and depth < DEPTH_MAX:
        return [shape(schema["items"], path, depth + 1)]
    return kind or ("object" if inner else "any")


def parameters(nodes, path, place):
    found = {}
    for node in nodes:
        node, node_path = follow(node, path)
        if node["in"] == place:
            name = node["name"] + ("!" if node.get("required") else "")
            found[name] = shape(node.get("schema", {}), node_path)
    return found


def operations(path):
    document = load(path)
    base = document["servers"][0]["variables"]["basePath"]["default"]
    for sub_path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in ("get", "put", "post", "delete"):
                continue
            line = {"method": method.upper(), "path": base.rstrip("/") + sub_path.strip()}
            nodes = methods.get("parameters", []) + operation.get("parameters", [])
            query = parameters(nodes, path, "query")
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            if query:
                line["query"] = query
            if "schema" in content:
                line["body"] = shape(content["schema"], path)
            if len(line) > 2:
                yield line


def main():
    folder = pathlib.Path(sys.argv[1]) / "data" / "api" / "client-server"
    lines = [line for path in sorted(folder.glob("*.yaml")) for line in operations(path.resolve())]
    for line in sorted(lines, key=lambda line: (line["path"], line["method"])):
        print(json.dumps(line, sort_keys=True))


main()
