"""Make `dist/`: all that is needed to install the notifier without this repository.

It holds the package as a zip, the template as plain CloudFormation, which takes the zip's place as parameters, our
licence, a list of what the package holds (an SBOM), and their checksums. The same sources give the same bytes,
and so does the same remote, where the runbook is read.
"""

import hashlib
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from handler import VERSION
from sandbox.template import TEMPLATE_FILE, to_cloudformation
from tools import build
from tools.deploy import runbook_url

ROOT = Path(__file__).resolve().parents[1]
ZIP = f"zoho-backup-notifier-{VERSION}.zip"
TEMPLATE = f"zoho-backup-notifier-{VERSION}.json"
SBOM = "sbom.cdx.json"
CHECKSUMS = "SHA256SUMS"
PLACE = {  # no defaults: an update keeps the values before it, and a new zip under the old key is no change to AWS
    "CodeBucket": {
        "Type": "String",
        "AllowedPattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "ConstraintDescription": "The name of an S3 bucket.",
        "Description": "S3 bucket, in the stack's region, that holds the package.",
    },
    "CodeKey": {
        "Type": "String",
        "AllowedPattern": "^.*\\.zip$",
        "ConstraintDescription": "The key of a zip file in that bucket.",
        "Description": f"Key of the package in that bucket, such as {ZIP}; another one for each release.",
    },
}


def main() -> int:
    """Run the recipe from the command line; return the exit code."""
    target = ROOT / "dist"
    if build.runtime_python() is None:
        print(f"A release is compiled. {build.NO_PYTHON} make release")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "package"
        build.build(package)
        make(package, target)
    print(f"{target}: version {VERSION}")
    print((target / CHECKSUMS).read_text(), end="")
    return 0


def make(package: Path, target: Path) -> None:
    """Fill the folder `target` with the release of a built package; whatever was there is removed."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    build.pack(package, target / ZIP)
    shutil.copy(ROOT / "LICENSE", target)
    for name, content in ((TEMPLATE, packaged()), (SBOM, sbom())):
        (target / name).write_text(json.dumps(content, indent=1) + "\n")
    files = sorted(target.iterdir())
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (target / CHECKSUMS).write_text("".join(sums))


def packaged() -> dict[str, Any]:
    """Return the template as CloudFormation without macros, with the package's place as two parameters.

    A test holds it below the 51,200 bytes that `aws cloudformation deploy` sends without a bucket for it:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    """
    plain = to_cloudformation(TEMPLATE_FILE.read_text())
    plain["Parameters"] = {**PLACE, **plain["Parameters"]}
    plain["Parameters"]["RunbookUrl"]["Default"] = runbook_url(f"v{VERSION}")
    for resource in plain["Resources"].values():
        resource.pop("Metadata", None)  # what sam and checkov read
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}
    groups = plain["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    groups.insert(0, {"Label": {"default": "The package"}, "Parameters": [*PLACE]})
    return plain


def sbom() -> dict[str, Any]:
    """Return what is in the package besides our own code, as the lock file has it, in CycloneDX 1.6.

    Source: https://cyclonedx.org/docs/1.6/json/
    """
    locked = re.findall(r"^([\w.-]+)==([^\s;]+)", build.LOCK_FILE.read_text(), re.MULTILINE)
    parts = [{"type": "library", "name": n, "version": v, "purl": f"pkg:pypi/{n}@{v}"} for n, v in locked]
    whole = {"component": {"type": "application", "name": "zoho-backup-notifier", "version": VERSION}}
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": whole, "components": parts}


if __name__ == "__main__":
    sys.exit(main())
