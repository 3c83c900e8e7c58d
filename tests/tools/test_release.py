"""A release: one version, a template that stands alone, and an installation without a clone, as its document says."""

import json
import os
import re
import shutil
import subprocess
import tomllib
import zipfile
from base64 import b64encode
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from handler import RELEASED, RUNTIME_ENDS, VERSION
from sandbox.aws import Stack
from sandbox.endpoint import AwsEndpoint
from sandbox.runtime import LambdaEnvironment
from sandbox.sandbox import Sandbox
from sandbox.template import TEMPLATE_FILE, to_cloudformation
from sandbox.zoho import row
from tests.template.conftest import Json
from tools import release
from tools.questions import QUESTIONS

ROOT = Path(__file__).parents[2]
AWS_CLI_PYTHON = os.environ.get("AWSCLI_PYTHON", "")
DOCUMENT = (ROOT / "docs" / "install-without-a-clone.md").read_text()


def bash(script: str, folder: Path, environment: dict[str, str], typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub runs a step: until the first command that fails."""
    command = [shutil.which("bash") or "", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, input=typed, text=True, capture_output=True)


def test_there_is_one_version() -> None:
    """The package knows it; what else has to name it is held equal."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
    releases = re.findall(r"^## \[(\d\S*)\] - (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert releases[:1] in ([], [(VERSION, f"{RELEASED:%Y-%m-%d}")]), "CHANGELOG.md: the newest release"
    assert f"supports it until {RUNTIME_ENDS:%d %B %Y}" in (ROOT / "docs" / "upgrading.md").read_text()


def test_the_packaged_template_is_the_projects_own() -> None:
    """As SAM would deploy it; only where the package lies is another, a parameter in place of SAM's upload."""
    packaged, own = release.packaged(), to_cloudformation(TEMPLATE_FILE.read_text())
    own["Parameters"] |= release.PLACE
    code = {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}
    own["Resources"]["NotifierFunction"]["Properties"]["Code"] = code
    for resource in own["Resources"].values():
        resource.pop("Metadata", None)
    assert {**packaged, "Metadata": 0} == {**own, "Metadata": 0}


def test_a_release_is_what_lies_in_the_folder_and_nothing_older(tmp_path: Path) -> None:
    """Five files; the checksums are of the four others, as `sha256sum --check` reads them."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "app.py").write_text("")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "zoho-backup-notifier-0.9.0.zip").touch()
    release.make(tmp_path / "package", tmp_path / "dist")
    assert (tmp_path / "dist" / release.TEMPLATE).stat().st_size < 51_200, "`aws cloudformation deploy` needs no bucket"
    names = {release.ZIP, release.TEMPLATE, release.SBOM, release.CHECKSUMS, "LICENSE"}
    assert {path.name for path in (tmp_path / "dist").iterdir()} == names
    bash(f"sha256sum --strict --check {release.CHECKSUMS}", tmp_path / "dist", dict(os.environ)).check_returncode()


# --- As the document says ---------------------------------------------------------------------------------------------

BLOCKS = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
NAMES, BUCKET, DEPLOY, CLIENT, TOKEN, SECRET, FIRST_CHECK = BLOCKS
(EXAMPLE,) = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL))


def test_the_documented_secret_has_every_key() -> None:
    """All that the function takes, of every channel, and each explained; a floor stands for all floors."""
    assert set(EXAMPLE) == set(QUESTIONS) - {"code"} | {"refresh_token"}
    table = re.findall(r"^\|(.*?)\|", DOCUMENT, re.MULTILINE)
    explained = set(re.findall(r"`([a-z_]+)`", "".join(table)))
    floors = {key for key in EXAMPLE if key.endswith("_min_severity")}
    assert set(EXAMPLE) - floors == explained - floors
    assert explained & floors


@pytest.mark.aws_cli
@pytest.mark.skipif(not AWS_CLI_PYTHON, reason="AWS's command line has its own environment: `make aws-cli` names it")
def test_from_the_release_alone_to_the_first_check(tmp_path: Path) -> None:
    """Every command of the document, run by bash and AWS's own command line, in a folder with the release's files."""
    dist, unpacked, folder, bin_folder = ROOT / "dist", tmp_path / "task", tmp_path / "download", tmp_path / "bin"
    lambda_python = ROOT / ".cache" / "lambda" / "bin" / "python"  # with nothing but the runtime's own client
    assert lambda_python.exists(), "make aws-cli makes it"
    zipfile.ZipFile(dist / release.ZIP).extractall(unpacked)
    shutil.copytree(dist, folder)
    bin_folder.mkdir()  # the environment's own script breaks when the environment moves
    (bin_folder / "aws").write_text(f'#!/bin/sh\nexec {AWS_CLI_PYTHON} -m awscli "$@"\n')
    (bin_folder / "aws").chmod(0o755)
    with (
        closing(Sandbox()) as stage,
        closing(AwsEndpoint(lambda x: stage.function.invoke(x))) as front,
    ):
        company = stage.zoho.organisation([row(stage.zoho.clock(), state="completed")], refresh_tokens=[])
        typed = f"{company.client_id}\n{company.client_secret}\n{stage.zoho.grant(company)}\n"
        aws = {"AWS_ENDPOINT_URL": stage.cloud.url, "AWS_ENDPOINT_URL_LAMBDA": front.url}
        environment = {**os.environ, **stage.cloud.environment, **aws, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
        environment = {name: value for name, value in environment.items() if not name.endswith("_REGION")}

        def run(*blocks: str) -> Json:
            script = "\n".join((NAMES, *blocks)).replace("https://accounts.zoho.com", stage.zoho.url)
            done = bash(script, folder, environment, typed)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout.splitlines()[-1])

        secret = {
            **{key: EXAMPLE[key] for key in ("data_center", "name", "time_zone")},
            "client_id": company.client_id,
            "client_secret": company.client_secret,
            "refresh_token": run(BUCKET, DEPLOY, CLIENT, TOKEN)["refresh_token"],
            "slack_webhook_url": stage.slack.webhook_url("released"),
        }
        (folder / "secret.json").write_text(json.dumps(secret))
        stack = Stack(stage.cloud, "zoho-backup-notifier")
        mailbox, configuration = stack.subscribe(), stack.function()
        assert configuration["CodeSha256"] == b64encode(sha256((dist / release.ZIP).read_bytes()).digest()).decode()
        zoho = {"ZOHO_ACCOUNTS_URL": stage.zoho.url, "ZOHO_API_URL": stage.zoho.url}
        variables = {**stage.cloud.environment, **stack.environment(), **zoho}
        with closing(
            LambdaEnvironment(variables, root=unpacked, handler=configuration["Handler"], python=str(lambda_python))
        ) as stage.function:
            answer = run(SECRET, FIRST_CHECK)
        assert [mail.attributes["org"] for mail in mailbox.mails] == ["default"]
    assert (answer["notices"], answer["delivered"]) == (["baseline"], {"slack": 1, "sns": 1})
    assert not (folder / "secret.json").exists()
