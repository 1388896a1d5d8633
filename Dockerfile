# The course in a container, for a processor without a GPU. docs/anywhere.md says how to build it and open it.
# Dev containers and Codespaces build the first stage alone, and run `make setup` in their own clone.
FROM python:3.11-slim AS base

# What the Makefile needs, in whatever version the image's system has: security fixes are welcome.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

# Nothing runs as root: a notebook can't change the system, and files in a mounted folder belong to a person.
RUN useradd --create-home --uid 1000 --shell /bin/bash learner

FROM base AS course

# Set them where pip shall look elsewhere: a mirror, or PyTorch's own page for its smaller CPU build.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PATH=/environment/bin:$PATH
RUN mkdir /bert-course /environment && chown learner:learner /bert-course /environment
USER learner
WORKDIR /bert-course

# The packages take minutes and seldom change, so they're a layer below the lessons.
COPY --chown=learner:learner requirements.txt requirements.lock ./
RUN python -m venv /environment \
    && /environment/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c requirements.lock
COPY --chown=learner:learner . .
RUN make setup VENV=/environment

EXPOSE 8888
CMD ["python", "-m", "course_lib.cli.lab_in_container"]
