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
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from handler import RELEASED, RUNTIME_ENDS, VERSION
from sandbox.aws import Stack
from sandbox.endpoint import AwsEndpoint
from sandbox.runtime import LambdaEnvironment
from sandbox.sandbox import Sandbox
from sandbox.template import TEMPLATE_FILE, to_cloudformation
from sandbox.zoho import row
from tools import release
from tools.questions import QUESTIONS

ROOT = Path(__file__).parents[2]
AWS_CLI_PYTHON = os.environ.get("AWSCLI_PYTHON", "")
DOCS = ROOT / "docs"
DOCUMENT = (DOCS / "install.md").read_text()


def bash(script: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script until the first command that fails, as terminals run what is pasted: `read` takes what follows."""
    command = [shutil.which("bash") or "", "-euo", "pipefail", "-s"]
    return subprocess.run(command, cwd=folder, env=environment, input=script, text=True, capture_output=True)


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


def test_a_release_names_its_own_runbook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets an alarm of it needs no setting and no clone."""
    monkeypatch.setenv("ORIGIN", "https://github.com/acme/notifier")
    default = release.packaged()["Parameters"]["RunbookUrl"]["Default"]
    assert default == f"https://github.com/acme/notifier/blob/v{VERSION}/docs/runbook.md"


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
NAMES, DOWNLOAD, BUCKET, DEPLOY, CLIENT, TOKEN, SAVE, CHECK, READ_BACK, SCHEDULE, REMOVE, TABLE = BLOCKS
(INVOKE,) = re.findall(r"```sh\n(\{\nEVENT=.*?)```", (ROOT / "docs" / "runbook.md").read_text(), re.DOTALL)
(EXAMPLE,) = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL))


def test_the_files_for_ci_are_short_and_fill_in_what_the_template_asks() -> None:
    """Of this release, as all that the document names."""
    asked, files = release.packaged()["Parameters"], {path.name: path.read_text() for path in (DOCS / "ci").iterdir()}
    assert files.keys() == set(re.findall(r"\(ci/(.*?)\)", DOCUMENT))
    for name, text in files.items():
        given = {parameter for parameter in asked if re.search(rf"\b{parameter}\b ?[=:]", text)}
        assert (given, len(text.splitlines()) <= 12) == ({"CodeBucket", "CodeKey", "NotificationEmail"}, True), name
    assert yaml_parse(files["github-actions.yml"])["jobs"]["deploy"]["steps"]
    assert set(re.findall(r"\b\d+\.\d+\.\d+\b", "".join((DOCUMENT, *files.values())))) == {VERSION}


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
    """Every command of the document, pasted into bash, with AWS's own command line, in an empty folder."""
    dist, unpacked, folder, bin_folder = ROOT / "dist", tmp_path / "task", tmp_path / "download", tmp_path / "bin"
    lambda_python = ROOT / ".cache" / "lambda" / "bin" / "python"  # with nothing but the runtime's own client
    assert lambda_python.exists(), "make aws-cli makes it"
    zipfile.ZipFile(dist / release.ZIP).extractall(unpacked)
    shutil.copytree(dist, tmp_path / "OWNER" / "NAME" / "releases" / "download" / f"v{VERSION}")
    folder.mkdir()
    bin_folder.mkdir()  # the environment's own script breaks when the environment moves
    (bin_folder / "aws").write_text(f'#!/bin/sh\nexec {AWS_CLI_PYTHON} -m awscli "$@"\n')
    (bin_folder / "aws").chmod(0o755)
    with (
        closing(Sandbox()) as stage,
        closing(AwsEndpoint(lambda x: stage.function.invoke(x))) as front,
    ):
        company = stage.zoho.organisation([row(stage.zoho.clock(), state="completed")], refresh_tokens=[])
        typed = f"{company.client_id}\n{company.client_secret}\n{stage.zoho.grant(company)}"
        aws = {"AWS_ENDPOINT_URL": stage.cloud.url, "AWS_ENDPOINT_URL_LAMBDA": front.url}
        environment = {**os.environ, **stage.cloud.environment, **aws, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
        environment = {name: value for name, value in environment.items() if not name.endswith("_REGION")}

        def run(*blocks: str, org: str = "default") -> str:
            script = "".join(f"{block.rstrip()}\n" for block in (NAMES, f"ORG={org}", *blocks))
            done = bash(script, folder, environment)
            assert done.returncode == 0, done.stderr
            return done.stdout.splitlines()[-1]

        download = DOWNLOAD.replace("https://github.com", tmp_path.as_uri())
        client = CLIENT.replace("https://accounts.zoho.com", stage.zoho.url)
        secret = {
            **{key: EXAMPLE[key] for key in ("data_center", "name", "time_zone")},
            "client_id": company.client_id,
            "client_secret": company.client_secret,
            "refresh_token": json.loads(run(download, BUCKET, DEPLOY, client, typed, TOKEN))["refresh_token"],
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
            answer = json.loads(run(SAVE, CHECK))
            assert json.loads(run(READ_BACK, "cat secret.json")) == secret
            again = json.loads(run(SAVE, SCHEDULE, CHECK, org="acme"))
            shown = json.loads(run(INVOKE.replace("STACK", '"$STACK"')))
        scheduler, names = stage.cloud.client("scheduler"), (stack.name, "acme")
        own, copy = (scheduler.get_schedule(GroupName=stack.name, Name=name) for name in names)
        assert copy["Target"] == {**own["Target"], "Input": '{"org": "acme"}'}
        table = stack.outputs["TableName"]
        assert run(REMOVE) == table
        run(TABLE, table)
        assert table not in stage.cloud.client("dynamodb").list_tables()["TableNames"]
        assert stage.cloud.client("ssm").describe_parameters()["Parameters"] == []
        assert [mail.attributes["org"] for mail in mailbox.mails] == ["default", "acme"]
    assert (answer["notices"], answer["delivered"]) == (["baseline"], {"slack": 1, "sns": 1})
    assert (again["notices"], shown["connected"]) == (["baseline"], True)
    assert not (folder / "secret.json").exists()
