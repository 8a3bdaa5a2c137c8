package main

import (
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/config"
)

func TestAHostOfAWSNamesItsServiceAndRegion(t *testing.T) {
	for host, want := range map[string][2]string{
		"lambda.eu-central-1.amazonaws.com":                       {"lambda", "eu-central-1"},
		"Lambda.EU-Central-1.amazonaws.com":                       {"lambda", "eu-central-1"},
		"lambda-fips.us-gov-west-1.amazonaws.com":                 {"lambda", "us-gov-west-1"},
		"lambda.cn-north-1.amazonaws.com.cn":                      {"lambda", "cn-north-1"},
		"lambda.eusc-de-east-1.amazonaws.eu":                      {"lambda", "eusc-de-east-1"},
		"lambda.eu-west-1.api.aws":                                {"lambda", "eu-west-1"},
		"abcdefghij.lambda-url.eu-west-1.on.aws":                  {"lambda", "eu-west-1"},
		"vpce-0123-abc.lambda.eu-west-1.vpce.amazonaws.com":       {"lambda", "eu-west-1"},
		"a1b2c3.execute-api.eu-west-1.amazonaws.com":              {"execute-api", "eu-west-1"},
		"a1b2c3-vpce-0123.execute-api.eu-west-1.amazonaws.com":    {"execute-api", "eu-west-1"},
		"orders-0fe1d2.7d67968.vpc-lattice-svcs.eu-west-1.on.aws": {"vpc-lattice-svcs", "eu-west-1"},
		"sqs.eu-west-1.amazonaws.com":                             {},
		"orders.example.com":                                      {},
		"lambda.eu-west-1.example.com":                            {},
		"lambda.eu-west-1.amazonaws.com.example.com":              {},
		"orders-123.eu-west-1.elb.amazonaws.com":                  {},
		"127.0.0.1":                                               {},
		"":                                                        {},
	} {
		if service, region := awsPlace(host); service != want[0] || region != want[1] {
			t.Errorf("%s is %q in %q", host, service, region)
		}
	}
}

func TestASignatureForAnotherRegionOrServiceThanTheHostsIsAnError(t *testing.T) {
	const function, api, own = "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/orders/invocations", "https://a1.execute-api.eu-west-1.amazonaws.com/v1", "https://orders.example.com/"
	for _, test := range []struct {
		url, service, region, want string
	}{
		{function, "lambda", "", "its requests are signed for the region us-east-1, and lambda.eu-west-1.amazonaws.com is in eu-west-1: AWS answers 403"},
		{function, "lambda", "eu-west-2", "its requests are signed for the region eu-west-2, and lambda.eu-west-1.amazonaws.com is in eu-west-1: AWS answers 403"},
		{function, "lambda", "eu-west-1", ""},
		{function, "execute-api", "eu-west-1", "its requests are signed for execute-api, and lambda.eu-west-1.amazonaws.com is lambda: AWS answers 403"},
		{api, "execute-api", "eu-west-1", ""},
		{api, "execute-api", "", "its requests are signed for the region us-east-1, and a1.execute-api.eu-west-1.amazonaws.com is in eu-west-1: AWS answers 403"},
		{own, "execute-api", "", ""},
		{function, "", "", ""},
	} {
		var f findings
		target := config.Target{URL: test.url, Auth: config.Auth{AWS: config.SigV4{Service: test.service, Region: test.region}}}
		judgeSigning(&f, "default", target, "us-east-1")
		if test.want == "" && len(f) == 0 {
			continue
		}
		if len(f) != 1 || f.count(wrong) != 1 || f[0].What != test.want || !strings.HasPrefix(f[0].Change, "--sign-aws") {
			t.Errorf("%+v: %+v", test, f)
		}
	}
}

func TestCheckComparesTheRegionOfASignatureWithTheTargets(t *testing.T) {
	emulate(t, goodQueues(t))                     // in us-east-1
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // nothing leaves this machine
	out, _, _ := ran[checkCmd](t, "", "--queue", "orders", "--target", "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/orders/invocations",
		"--format", "lambda", "--sign-aws", "lambda")
	if want := "error    target default: its requests are signed for the region us-east-1, and lambda.eu-west-1.amazonaws.com is in eu-west-1"; !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
}
