# The image holds one static binary. Built for another platform it is cross-compiled, not emulated:
#   docker build --build-arg VERSION=1.2.3 --build-arg COMMIT="$(git rev-parse HEAD)" -t poller .
# A release (.goreleaser.yaml) takes the binaries that it has built already: --target release.

# With BASE_BY_ARCH the base is asked for by its architecture's own tag. It is the same image.
ARG BASE_BY_ARCH

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY cmd cmd
COPY internal internal
ARG TARGETOS TARGETARCH
ARG VERSION=devel COMMIT=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" \
      -o /out/poller ./cmd/poller

FROM gcr.io/distroless/static-debian12:nonroot${BASE_BY_ARCH:+-$TARGETARCH} AS base
ARG VERSION=devel COMMIT=unknown
LABEL org.opencontainers.image.title="poller" \
      org.opencontainers.image.description="Takes messages off an Amazon SQS queue at the pace that the downstream can take." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/sqs-poller/poller" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT" \
      org.opencontainers.image.base.name="gcr.io/distroless/static-debian12:nonroot"
USER 65532:65532
# Says that this is a container, wherever it runs: the admin port is then open to other containers by default.
ENV container=oci
EXPOSE 9500
# 127.0.0.1 alone is asked; a daemon whose target or queue is away is healthy.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --start-interval=1s --retries=3 CMD ["/poller", "health"]
ENTRYPOINT ["/poller"]
CMD ["run"]

FROM base AS release
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/poller /poller

FROM base
COPY --from=build /out/poller /poller
