package main

import (
	"math"
	"os"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// inContainer reports whether the process runs in a container. There the network of the
// container is the boundary, and a port of 127.0.0.1 alone could be reached by nobody:
// Docker and Podman leave a file, Kubernetes and ECS set variables, and images (ours
// too) set container, as systemd does.
func inContainer() bool {
	for _, name := range []string{"container", "KUBERNETES_SERVICE_HOST", "ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	for _, path := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(path); err == nil {
			return true
		}
	}
	return false
}

// containerMemory returns the memory limit of the process's cgroup or of one around it, in
// bytes, or 0 if there is none.
func containerMemory() int64 {
	limit, err := memlimit.FromCgroup()
	if err != nil || limit > math.MaxInt64 {
		return 0
	}
	return int64(limit)
}
