# hre in a container: built in the first stage, run in the second, which has the program, its libraries and nothing to build with.
#
#   docker build -t hre .
#   docker run --rm hre demo
#   docker run --rm -v "$PWD:/work" -v hre-home:/home/hre hre eval model.gguf --data questions.jsonl
#
# The store and the cache are in /home/hre, which a volume keeps. tools/check_dockerfile.py runs the same commands without a daemon.

FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git make binutils
COPY . /src
WORKDIR /src
RUN tools/make_dist.sh && mkdir /hre && tar -xzf build/dist/out/hre-*.tar.gz -C /hre --strip-components=1 && rm -r /hre/include /hre/lib/cmake

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /hre /opt/hre
RUN ln -s /opt/hre/bin/hre /usr/local/bin/hre && useradd --create-home --uid 1000 hre && mkdir /work && chown hre /work
USER hre
WORKDIR /work
ENTRYPOINT ["hre"]
CMD ["--help"]
