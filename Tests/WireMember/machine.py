"""What a member is besides its conversation: a configuration with its digests, a disk, and services to prove.

The services are the least of a mail gateway that a handshake can prove: STARTTLS on listeners, TLS on HTTPS interfaces. They
take no mail and have no policies.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import smtplib
import socket
import ssl
import struct
import threading

from cryptography.hazmat.primitives import serialization

PROBE_SECONDS = 10


class Unfit(Exception):
    """Settings or material that cannot be laid out, and why."""


# --- The configuration


def digest(tag, *parts):
    """SHA-256 over the tag and the parts, each preceded by its length."""
    hashed = hashlib.sha256()
    for part in (tag.encode(), *parts):
        hashed.update(struct.pack(">Q", len(part)) + part)
    return hashed.digest()


def section_digest(section, entries):
    parts = []
    for name in sorted(entries, key=str.encode):
        parts += [name.encode(), digest("muster entry 1", section.encode(), name.encode(), entries[name][0])]
    return digest("muster section 1", *parts)


class Configuration:
    """Sections by name, each a map from entry names to (value's bytes, layer)."""

    def __init__(self, sections):
        self.sections = {name: entries for name, entries in sections.items() if entries}

    def digest(self):
        parts = []
        for name in sorted(self.sections, key=str.encode):
            parts += [name.encode(), section_digest(name, self.sections[name])]
        return digest("muster configuration 1", *parts)

    def values(self, section):
        return {name: json.loads(value) for name, (value, _) in self.sections.get(section, {}).items()}

    def services(self):
        """The services that a certificate is assigned to: (name, kind, address, port, certificate's entry)."""
        certificates, interfaces = self.values("certificates"), self.values("interfaces")
        found = []
        for name, listener in self.values("listeners").items():
            interface = interfaces.get(listener["interface"])
            if interface:
                place = (interface["address"], listener.get("port", 25))
                found.append((f"listener/{name}", "smtp", *place, listener.get("certificate")))
        for name, interface in interfaces.items():
            https = interface.get("https", {})
            found.append((f"https/{name}", "https", interface["address"], https.get("port", 443), https.get("certificate")))
        for section, service in ("delivery", "delivery"), ("ldap", "ldap"), ("webSecurity", "web-security"):
            found.append((service, "outbound", None, None, self.values(section).get("settings", {}).get("certificate")))
        for name, service in self.values("services").items():
            found.append((f"service/{name}", "outbound", None, None, service.get("certificate")))
        return [service for service in found if service[-1] in certificates]

    def meant(self):
        """By service, the fingerprint of the leaf that it should serve."""
        certificates = self.values("certificates")
        return {service[0]: bytes.fromhex(certificates[service[-1]]["chain"][0]["fingerprint"]) for service in self.services()}

    def needed(self):
        """The file names of the keys and chains for what services use and the machine's own certificates, and of lists of authorities."""
        used = {service[-1] for service in self.services()}
        names = set()
        for name, (value, layer) in self.sections.get("certificates", {}).items():
            if name in used or layer.startswith("machine/"):
                names.update(material_names(json.loads(value)))
        names.update(f"chains/{value['blob']}.pem" for value in self.values("authorities").values() if "blob" in value)
        return names


def material_names(certificate):
    return f"chains/{certificate['chainBlob']}.pem", f"keys/{certificate['key']['fingerprint']}.pem"


def check_material(name, pem):
    """Material is what its name says, or it is not taken."""
    if name.startswith("keys/"):
        try:
            key = serialization.load_pem_private_key(pem, password=None).public_key()
        except ValueError:
            raise Unfit(f"{name} is no private key") from None
        pem = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if hashlib.sha256(pem).hexdigest() not in name:
        raise Unfit(f"{name} is something else than its name says")


# --- The disk


@dataclasses.dataclass
class Generation:
    """A configuration with its keys and chains, by file name, as it lies on the disk."""

    number: str
    configuration: Configuration
    material: dict


class Disk:
    """Everything is there whole, or not at all.

    identity/     key.pem, certificate.pem, trust.pem, facts.json; gone when the machine is standalone
    seen          the newest Sighting; rejection: the last Receipt that rejected. Both as on the wire
    generations/  NUMBER/settings.json, keys/, chains/; current is a link to the one in force
    """

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(self.path("generations"), mode=0o700, exist_ok=True)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def sync(self, directory):
        descriptor = os.open(directory, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    def create(self, path, content):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def move(self, aside, name):
        os.rename(self.path(aside), self.path(name))
        self.sync(os.path.dirname(self.path(name)))

    def put_folder(self, name, files):
        aside = f"{name}.new"
        shutil.rmtree(self.path(aside), ignore_errors=True)
        for file, content in files.items():
            path = self.path(aside, file)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            self.create(path, content)
            self.sync(os.path.dirname(path))
        self.sync(self.path(aside))
        self.move(aside, name)

    def load(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def recall(self, name):
        """The bytes that were remembered; None for none."""
        return self.load(name) if os.path.exists(self.path(name)) else None

    def remember(self, name, content):
        self.create(self.path(f".{name}"), content)
        self.move(f".{name}", name)

    def forget(self, name):
        if os.path.exists(self.path(name)):
            os.remove(self.path(name))
            self.sync(self.directory)

    def is_member(self):
        return os.path.exists(self.path("identity"))

    def take_up(self, files):
        # What was seen of another cluster's log says nothing about this one's.
        self.forget("seen")
        self.forget("rejection")
        self.put_folder("identity", files)

    def flatten(self):
        """The membership is over. What is in force stays."""
        self.move("identity", "identity.old")
        shutil.rmtree(self.path("identity.old"))
        self.forget("seen")
        self.forget("rejection")

    def lay_out(self, configuration, material):
        """A new generation, read back from the disk."""
        numbers = [int(name) for name in os.listdir(self.path("generations")) if name.isdigit()]
        number = str(max(numbers, default=0) + 1)
        settings = {
            section: {name: [value.decode(), layer] for name, (value, layer) in entries.items()}
            for section, entries in configuration.sections.items()
        }
        self.put_folder(f"generations/{number}", {"settings.json": json.dumps(settings).encode(), **material})
        return self.read(number)

    def read(self, number):
        """A generation, its digest and the names of its material checked by what is there."""
        sections = json.loads(self.load("generations", number, "settings.json"))
        configuration = Configuration({
            section: {name: (value.encode(), layer) for name, (value, layer) in entries.items()}
            for section, entries in sections.items()
        })
        material = {name: self.load("generations", number, name) for name in configuration.needed()}
        for name, pem in material.items():
            check_material(name, pem)
        return Generation(number, configuration, material)

    def current(self):
        """The generation in force; None before the first. What was laid out and is not in force is deleted."""
        if not os.path.islink(self.path("current")):
            return None
        number = os.path.basename(os.readlink(self.path("current")))
        for other in os.listdir(self.path("generations")):
            if other != number:
                shutil.rmtree(self.path("generations", other))
        return self.read(number)

    def switch(self, generation):
        """Puts a generation in force, and deletes the one before with its keys."""
        if os.path.lexists(self.path(".current")):
            os.remove(self.path(".current"))
        os.symlink(f"generations/{generation.number}", self.path(".current"))
        self.move(".current", "current")
        self.current()


# --- The services


class Endpoint:
    """A listening socket. Its certificate may change under it."""

    def __init__(self, kind, address, port):
        self.kind, self.context = kind, None
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=family)

    def start(self):
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # it was closed
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.settimeout(PROBE_SECONDS)
        try:
            with connection:
                if self.kind == "https":
                    self.context.wrap_socket(connection, server_side=True).close()
                else:
                    connection.sendall(b"220 mail ESMTP\r\n")
                    self.talk(connection, self.context)
        except OSError:
            pass  # the peer is gone, or does not speak TLS

    def talk(self, connection, context):
        """SMTP as far as STARTTLS (RFC 3207); without `context`, TLS is there."""
        # Unbuffered: what follows STARTTLS belongs to TLS.
        lines = connection.makefile("rb", buffering=0)
        for line in iter(lines.readline, b""):
            verb = line.strip().upper()
            if verb == b"STARTTLS" and context:
                connection.sendall(b"220 go ahead\r\n")
                with context.wrap_socket(connection, server_side=True) as secure:
                    return self.talk(secure, None)
            elif verb.startswith(b"EHLO"):
                connection.sendall(b"250-mail\r\n250 STARTTLS\r\n" if context else b"250 mail\r\n")
            elif verb == b"QUIT":
                return connection.sendall(b"221 bye\r\n")
            else:
                connection.sendall(b"502 not here\r\n")

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept()
        self.listener.close()


class Services:
    def __init__(self, disk):
        self.disk, self.endpoints = disk, {}

    def apply(self, generation):
        """Serves what a generation says and proves it: (service, fingerprint seen or nothing, why it cannot be seen)."""
        services = generation.configuration.services()
        certificates = generation.configuration.values("certificates")
        places = {(kind, address, port): certificates[name] for _, kind, address, port, name in services if address}
        for place in set(self.endpoints) - set(places):
            self.endpoints.pop(place).close()
        for place, certificate in places.items():
            is_new = place not in self.endpoints
            if is_new:
                self.endpoints[place] = Endpoint(*place)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*(self.disk.path("generations", generation.number, name) for name in material_names(certificate)))
            self.endpoints[place].context = context
            if is_new:
                self.endpoints[place].start()
        return [
            (service, seen(kind, address, port), None) if address else (service, None, "outbound: nothing here to connect to")
            for service, kind, address, port, _ in services
        ]


def seen(kind, address, port):
    """The fingerprint of what a service serves, by a handshake with it; None if there is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        if kind == "smtp":
            with smtplib.SMTP(address, port, timeout=PROBE_SECONDS, source_address=(address, 0)) as client:
                client.starttls(context=context)
                leaf = client.sock.getpeercert(binary_form=True)
        else:
            with socket.create_connection((address, port), timeout=PROBE_SECONDS) as plain, context.wrap_socket(plain) as tls:
                leaf = tls.getpeercert(binary_form=True)
    except (OSError, smtplib.SMTPException):
        return None
    return hashlib.sha256(leaf).digest()
