"""What a release holds, as `goreleaser release --snapshot` has left it in the clone RELEASE."""

import hashlib
import json
import os
import shutil
import stat
import struct
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ["RELEASE"])
DIST = ROOT / "dist"
MODULE = "github.com/sqs-poller/poller"
IMAGE = "ghcr.io/sqs-poller/poller"
MACHINES = {"amd64": 62, "arm64": 183}  # ELF's numbers
VERSION = json.loads((DIST / "metadata.json").read_text())["version"]


def run(*command: str, **options) -> str:
    return subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options).stdout


def machine(program: bytes) -> int:
    if program[:4] != b"\x7fELF":
        raise ValueError("it is no ELF file")
    return struct.unpack_from("<H", program, 18)[0]


def archive(arch: str) -> tarfile.TarFile:
    return tarfile.open(DIST / f"poller_{VERSION}_linux_{arch}.tar.gz")


class Release(unittest.TestCase):
    def test_an_archive_holds_the_program_and_what_to_read(self):
        for arch, number in MACHINES.items():
            with self.subTest(arch), archive(arch) as files:
                self.assertEqual({"poller", "LICENSE", "README.md", "CHANGELOG.md"}, set(files.getnames()))
                self.assertTrue(files.getmember("poller").mode & stat.S_IXUSR)
                self.assertEqual(number, machine(files.extractfile("poller").read()))

    def test_every_file_that_is_published_has_its_checksum(self):
        listed = {}
        for line in (DIST / "checksums.txt").read_text().splitlines():
            digest, name = line.split()
            listed[name] = digest
        files = [p for pattern in ("*.tar.gz", "*.cdx.json", "chart/*.tgz") for p in DIST.glob(pattern)]
        self.assertEqual(5, len(files))
        self.assertEqual(listed, {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files})

    def test_the_bill_of_materials_has_each_module_in_the_binary(self):
        for arch in MACHINES:
            with self.subTest(arch), tempfile.TemporaryDirectory() as folder:
                bill = json.loads((DIST / f"poller_{VERSION}_linux_{arch}.cdx.json").read_text())
                self.assertEqual(("CycloneDX", MODULE, VERSION),
                                 (bill["bomFormat"], bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]))
                with archive(arch) as files:
                    files.extract("poller", folder, filter="data")
                inside = {tuple(line.split()[1:3]) for line in run("go", "version", "-m", f"{folder}/poller").splitlines()
                          if line.startswith("\tdep\t")}
                self.assertGreater(len(inside), 20)
                self.assertLessEqual(inside, {(c["name"], c["version"]) for c in bill["components"]})

    def test_program_image_and_chart_say_the_same_version(self):
        with archive("amd64") as files, tempfile.TemporaryDirectory() as folder:
            files.extract("poller", folder, filter="data")
            lines = run(f"{folder}/poller", "version").splitlines()
        self.assertEqual([f"poller {VERSION}", "commit " + run("git", "rev-parse", "HEAD").strip()], lines[:2])
        (chart,) = (DIST / "chart").glob("*.tgz")
        self.assertEqual(f"poller-{VERSION}.tgz", chart.name)
        described = run("helm", "show", "chart", str(chart)).splitlines()
        self.assertIn(f"version: {VERSION}", described)
        self.assertIn(f"appVersion: {VERSION}", described)
        rendered = run("helm", "template", "poller", str(chart), "--set", f"image.repository={IMAGE}", "--set", "queue=orders",
                       "--set", "target.url=http://orders.shop:8080/")
        self.assertIn(f'image: "{IMAGE}:{VERSION}"', rendered)
        said = run("docker", "run", "--rm", "--network", "none", "--read-only", f"{IMAGE}:{VERSION}-amd64", "version")
        self.assertEqual(lines, said.splitlines())

    def test_an_image_is_of_its_architecture_and_runs_as_nobody(self):
        for arch, number in MACHINES.items():
            with self.subTest(arch):
                image = f"{IMAGE}:{VERSION}-{arch}"
                (inspected,) = json.loads(run("docker", "image", "inspect", image))
                self.assertEqual((arch, "65532:65532", ["/poller"]),
                                 (inspected["Architecture"], inspected["Config"]["User"], inspected["Config"]["Entrypoint"]))
                labels = {k.removeprefix("org.opencontainers.image."): v for k, v in inspected["Config"]["Labels"].items()}
                self.assertEqual((VERSION, run("git", "rev-parse", "HEAD").strip()), (labels["version"], labels["revision"]))
                container = run("docker", "create", "--platform", f"linux/{arch}", image).strip()
                try:
                    with tempfile.TemporaryDirectory() as folder:
                        run("docker", "cp", "-q", f"{container}:/poller", f"{folder}/poller")
                        run("docker", "cp", "-q", f"{container}:/etc/ssl/certs/ca-certificates.crt", folder)
                        self.assertEqual(number, machine(Path(folder, "poller").read_bytes()))
                finally:
                    run("docker", "rm", container)


class GoInstall(unittest.TestCase):
    def test_it_can_be_installed_from_a_module_proxy_and_knows_its_version(self):
        # A version of its own: what a module proxy would have if HEAD were tagged.
        version = f"v0.0.0-ci.{run('git', 'rev-parse', '--short=12', 'HEAD').strip()}x"
        with tempfile.TemporaryDirectory() as folder:
            proxy, binaries = Path(folder, "proxy"), Path(folder, "bin")
            at = proxy / MODULE / "@v"
            at.mkdir(parents=True)
            (at / f"{version}.info").write_text(json.dumps({"Version": version}))
            (at / f"{version}.mod").write_text(run("git", "show", "HEAD:go.mod"))
            (at / "list").write_text(version + "\n")
            # A folder with a go.mod is a module of its own, which a proxy leaves out.
            modules = run("git", "ls-tree", "-r", "--name-only", "HEAD").splitlines()
            others = [f":!{Path(name).parent}" for name in modules if name.endswith("/go.mod")]
            run("git", "archive", "--format=zip", f"--prefix={MODULE}@{version}/", "-o", str(at / f"{version}.zip"), "HEAD", "--", ".", *others)
            cached = Path(run("go", "env", "GOMODCACHE").strip())
            # What it needs is in the cache, since the snapshot has been built.
            proxies = f"file://{proxy},file://{cached}/cache/download,{run('go', 'env', 'GOPROXY').strip()}"
            env = os.environ | {"GOPROXY": proxies, "GOSUMDB": "off", "GOFLAGS": "", "GOBIN": str(binaries)}
            try:
                run("go", "install", f"{MODULE}/cmd/poller@{version}", env=env)
                self.assertTrue(run(str(binaries / "poller"), "version").startswith(f"poller {version.removeprefix('v')}\n"))
            finally:
                for copy in [cached / f"{MODULE}@{version}", *(cached / "cache/download" / MODULE / "@v").glob(f"{version}.*")]:
                    remove(copy)


def remove(path: Path):
    """Also where it is read-only, as the module cache is."""
    if path.is_dir():
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o755)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
