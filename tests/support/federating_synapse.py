"""A Synapse that federates on loopback: its name is its address, its certificate is of the tests' authority."""

from homeserver import ROOT, free_port
from synapse import Synapse


class FederatingSynapse(Synapse):
    # The one that knows room version 12.
    requirements = ROOT / "tests" / "property" / "synapse-requirements.txt"

    def __init__(self, authority):
        self.tls_port = free_port()
        super().__init__(server_name=f"127.0.0.1:{self.tls_port}")
        self.authority = authority
        self.certificate, self.key = authority.issue(f"synapse-{self.tls_port}")

    def settings(self):
        settings = super().settings()
        listener = {
            **settings["listeners"][0],
            "port": self.tls_port,
            "tls": True,
            "resources": [{"names": ["federation"]}],
        }
        return {
            **settings,
            "listeners": [*settings["listeners"], listener],
            "tls_certificate_path": str(self.certificate),
            "tls_private_key_path": str(self.key),
            "federation_verify_certificates": True,
            "federation_custom_ca_list": [str(self.authority.ca_file)],
            "allow_public_rooms_over_federation": True,
            "room_list_publication_rules": [{"action": "allow"}],
            "ip_range_blacklist": [],
            "federation_ip_range_blacklist": [],
            # Tests stop servers; nobody wants to wait for the patience of the internet.
            "federation": {
                "destination_min_retry_interval": "1s",
                "destination_max_retry_interval": "2s",
                "destination_retry_multiplier": 1,
            },
        }
