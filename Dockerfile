# hre in a container: built in the first stage; the last one has the program with its libraries, glibc, certificates and a shell.
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

# Of Debian only what hre calls: half of debian:12-slim installs and configures packages.
FROM debian:12-slim AS system
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates busybox-static
RUN mkdir -p /system/usr/bin /system/usr/sbin /system/usr/lib /system/usr/lib64 /system/etc/ssl/certs /system/home/hre /system/work /system/proc && \
    cd /system && ln -s usr/bin usr/sbin usr/lib usr/lib64 . && mkdir -m 1777 tmp && \
    dpkg -L libc6 base-files busybox-static | grep -v '^/usr/share/' | tar -C / --no-recursion -T - -cf - | tar --keep-directory-symlink -xf - && \
    cp /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/ && cp /etc/nsswitch.conf etc/ && \
    echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd && echo 'hre:x:1000:1000::/home/hre:/bin/sh' >>etc/passwd && \
    echo 'root:x:0:' >etc/group && echo 'hre:x:1000:' >>etc/group && chown 1000:1000 home/hre work && \
    chroot . /bin/busybox --install -s /bin
COPY --from=build /hre /system/opt/hre
RUN ln -s ../../opt/hre/bin/hre /system/usr/bin/hre

FROM scratch
COPY --from=system /system /
ENV PATH=/usr/bin:/usr/sbin
USER hre
WORKDIR /work
ENTRYPOINT ["hre"]
CMD ["--help"]
