package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
)

// awsActions are what the role needs to have its signature taken, by service.
var awsActions = map[string]string{
	"lambda": "lambda:InvokeFunction (lambda:InvokeFunctionUrl for a function URL)", "execute-api": "execute-api:Invoke", "vpc-lattice-svcs": "vpc-lattice-svcs:Invoke",
}

// judgeAuth looks at how requests prove who sends them. It asks the token endpoint for a
// token, and sends the target nothing.
func judgeAuth(ctx context.Context, f *findings, name string, t config.Target) {
	about := "target " + name
	if o := t.Auth.OAuth2; o.TokenURL != "" {
		until, err := app.TryToken(ctx, name, t)
		switch {
		case err != nil:
			f.add(wrong, about, "--oauth2-token-url, --oauth2-client-id, --oauth2-client-secret or --oauth2-scopes", "no token: %v", err)
		case until.IsZero():
			f.add(fine, about, "", "its token endpoint gives a token without an end")
		default:
			f.add(fine, about, "", "its token endpoint gives a token, valid for %s", config.Duration(time.Until(until).Round(time.Second)))
		}
		if u, err := url.Parse(o.TokenURL); err == nil && u.Scheme == "http" && !isLoopback(addressOf(u)) {
			f.add(warning, about, "--oauth2-token-url to https://…", "the client secret goes to the token endpoint unencrypted")
		}
	}
	if service := t.Auth.AWS.Service; service != "" {
		f.add(fine, about, "", "its requests are signed for %s: the role needs %s, which only a request can tell", service, awsActions[service])
	}
	if n := len(t.Auth.Webhook.Secrets); n > 0 {
		f.add(fine, about, "", "its requests are signed with %s", counted(n, "webhook secret"))
	}
}

// judgeFormat looks at whether a URL is one that takes the format, and whether its
// function can take what one replica sends at once.
func judgeFormat(f *findings, name string, t config.Target, fleet config.Fleet) {
	u, err := url.Parse(t.URL)
	if t.Format != "lambda" || err != nil {
		return
	}
	about := "target " + name
	switch {
	case !strings.Contains(u.Path, "/functions/") || !strings.HasSuffix(u.Path, "/invocations"):
		f.add(warning, about, "--target to http://HOST/2015-03-31/functions/NAME/invocations",
			"a Lambda function is invoked at /2015-03-31/functions/NAME/invocations, and the URL's path is another")
	case strings.HasSuffix(u.Path, "/functions/function/invocations") && fleet.Share(t).Concurrency > 1:
		f.add(warning, about, fmt.Sprintf("--concurrency to %d", max(fleet.Replicas, 1)),
			"the runtime interface emulator runs one invocation at a time, and answers 400 to the others: %d concurrent deliveries are too many for one container",
			fleet.Share(t).Concurrency)
	default:
		f.add(fine, about, "", "a 200 is a success unless the function's answer names the message in batchItemFailures, is not JSON, or is an error")
	}
	if strings.HasPrefix(u.Hostname(), "lambda.") && strings.HasSuffix(u.Hostname(), ".amazonaws.com") && t.Auth.AWS.Service == "" {
		f.add(wrong, about, "--sign-aws to lambda", "Lambda's API takes signed requests only")
	}
}
