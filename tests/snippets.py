"""Writes the files that the guides show into a directory, and lists those that have a schema.

    snippets.py DIRECTORY

A shown file is a block of YAML whose first line names it, `# .gitlab-ci.yml`. Each line of the list
has the name of a schema of check-jsonschema and the file's path, with a tab between.
"""

import pathlib
import re
import sys

GUIDES = ("forks", "github", "gitlab", "other-ci")
SCHEMAS = {
    ".buildkite/pipeline.yml": "buildkite",
    ".circleci/config.yml": "circle-ci",
    ".drone.yml": "drone-ci",
    ".github/workflows/comment.yml": "github-workflows",
    ".github/workflows/planned.yml": "github-workflows",
    ".github/workflows/tests.yml": "github-workflows",
    ".gitlab-ci.planned.yml": "gitlab-ci",
    ".gitlab-ci.yml": "gitlab-ci",
    ".gitlab/evenly.yml": "gitlab-ci",
    ".semaphore/semaphore.yml": None,
    ".travis.yml": "travis",
    ".woodpecker.yml": "woodpecker-ci",
    "azure-pipelines.yml": "azure-pipelines",
    "bitbucket-pipelines.yml": "bitbucket-pipelines",
}
SHOWN = re.compile(r"^```yaml\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Linters want a hash, which no version that is to come has.
RELEASE = ("evenly-ci/evenly@v0.1.0", f"evenly-ci/evenly@{'0' * 40} # v0.1.0")


def main(directory):
    root = pathlib.Path(__file__).parent.parent
    shown = {}
    for guide in GUIDES:
        text = (root / "docs/guide" / f"{guide}.md").read_text(encoding="utf-8")
        shown.update(SHOWN.findall(text))
    if set(shown) != set(SCHEMAS):
        sys.exit(f"the guides show {sorted(shown)}, and known are {sorted(SCHEMAS)}")
    for name, text in shown.items():
        path = pathlib.Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(*RELEASE), encoding="utf-8")
        if SCHEMAS[name] is not None:
            print(f"{SCHEMAS[name]}\t{path}")


if __name__ == "__main__":
    main(sys.argv[1])
