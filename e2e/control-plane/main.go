// Command control-plane is etcd, kube-apiserver and kube-controller-manager in
// one binary, so that the tests of Elbow link the shared code once and need no
// container engine. The first argument names the component; the rest are that
// component's own flags.
//
// The component is also taken from the name the binary was started under, so a
// folder of three links to this binary looks like a Kubernetes release.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

const usage = "usage: control-plane etcd|kube-apiserver|kube-controller-manager [flags of the component]"

func main() {
	component := filepath.Base(os.Args[0])
	if !known(component) {
		if len(os.Args) < 2 || !known(os.Args[1]) {
			fmt.Fprintln(os.Stderr, usage)
			os.Exit(2)
		}
		component = os.Args[1]
		os.Args = append([]string{component}, os.Args[2:]...)
	}
	os.Exit(run(component))
}

func known(component string) bool {
	switch component {
	case "etcd", "kube-apiserver", "kube-controller-manager":
		return true
	}
	return false
}

func run(component string) int {
	switch component {
	case "kube-apiserver":
		return cli.Run(apiserver.NewAPIServerCommand())
	case "kube-controller-manager":
		return cli.Run(manager.NewControllerManagerCommand())
	default:
		etcdmain.Main(os.Args)
		return 0
	}
}
