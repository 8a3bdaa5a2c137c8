package fleet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Redis is where the coordinator is.
type Redis struct {
	raw  string
	kind string // single, sentinel or cluster
	file string // of the password

	// Dial replaces connecting over TCP, TLS or a socket, if set.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// ParseURL reads the URL of a coordinator:
//
//	redis://user:password@host:6379/0
//	rediss://host:6380                           over TLS
//	unix:///run/redis.sock?db=1
//	redis+sentinel://host:26379/0?master_name=m&addr=host2:26379
//	redis+cluster://host:6379?addr=host2:6379
//
// and with rediss+sentinel and rediss+cluster over TLS. A user and a password before the host of a
// Sentinel are its own; the server's are username=USER and password=PASSWORD. password_file=FILE is
// read at each connection. @FILE is a file with the URL. Its errors do not repeat the URL, which
// may have a password.
func ParseURL(raw string) (*Redis, error) {
	if file, is := strings.CutPrefix(raw, "@"); is {
		text, err := readSecret(file)
		if err != nil {
			return nil, err
		}
		raw = text
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("invalid URL: use redis://HOST:6379, rediss:// with TLS, or unix:///PATH")
	}
	r := &Redis{kind: "single"}
	scheme, topology, _ := strings.Cut(u.Scheme, "+")
	switch {
	case scheme != "redis" && scheme != "rediss" && u.Scheme != "unix":
		return nil, errors.New("invalid scheme: use redis://HOST:6379, rediss:// with TLS, or unix:///PATH, and redis+sentinel:// or redis+cluster:// for these")
	case topology != "" && topology != "sentinel" && topology != "cluster":
		return nil, errors.New("invalid scheme: use redis+sentinel:// or redis+cluster://")
	case topology != "":
		r.kind = topology
	}
	if u.Scheme != "unix" && u.Hostname() == "" {
		return nil, errors.New("the URL has no host: use redis://HOST:6379")
	}
	query := u.Query()
	if r.file = query.Get("password_file"); r.file != "" {
		_, given := u.User.Password()
		if r.kind == "sentinel" { // that is Sentinel's own
			given = query.Has("password")
		}
		if given {
			return nil, errors.New("the URL has a password and a password_file: keep one of them")
		}
		query.Del("password_file")
		u.RawQuery = query.Encode()
	}
	if r.kind == "sentinel" && query.Get("master_name") == "" {
		return nil, errors.New("a Sentinel URL needs the name of the master: add ?master_name=NAME")
	}
	u.Scheme = scheme
	r.raw = u.String()
	if _, err := r.client(); err != nil {
		return nil, err
	}
	if r.file != "" {
		if _, err := readSecret(r.file); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Place is what may be shown: neither user nor password.
func (r *Redis) Place() string {
	u, err := url.Parse(r.raw)
	if err != nil {
		return ""
	}
	if u.Scheme == "unix" {
		return "unix://" + u.Path
	}
	if r.kind != "single" {
		u.Scheme += "+" + r.kind
	}
	return u.Scheme + "://" + u.Host
}

// readSecret reads a file with one line.
func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		if path := new(fs.PathError); errors.As(err, &path) {
			err = path.Err
		}
		return "", &RefusedError{fmt.Sprintf("the file %s cannot be read: %v", file, err)}
	}
	return strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")), nil
}

// quietLibrary keeps go-redis's own logger silent: what it says, errors say too.
var quietLibrary = sync.OnceFunc(func() { redis.SetLogger(noLog{}) })

type noLog struct{}

func (noLog) Printf(context.Context, string, ...any) {}

// client makes one of the URL's kind. Nothing is ever read from replicas of the server.
func (r *Redis) client() (redis.UniversalClient, error) {
	quietLibrary()
	bad := errors.New("invalid URL: use redis://USER:PASSWORD@HOST:6379/DB, with the options that go-redis knows")
	switch r.kind {
	case "sentinel":
		o, err := redis.ParseFailoverURL(r.raw)
		if err != nil {
			return nil, bad
		}
		r.fill(o.Username, options{
			&o.MaxRetries, &o.DialerRetries, &o.PoolSize, &o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout,
			&o.ContextTimeoutEnabled, &o.DisableIdentity, &o.CredentialsProviderContext, &o.Dialer,
		})
		return redis.NewFailoverClient(o), nil
	case "cluster":
		o, err := redis.ParseClusterURL(r.raw)
		if err != nil {
			return nil, bad
		}
		r.fill(o.Username, options{
			&o.MaxRetries, &o.DialerRetries, &o.PoolSize, &o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout,
			&o.ContextTimeoutEnabled, &o.DisableIdentity, &o.CredentialsProviderContext, &o.Dialer,
		})
		o.MaxRedirects = 3 // a slot that has moved is no answer: the call had no effect there
		o.MaintNotificationsConfig = noNotifications
		return redis.NewClusterClient(o), nil
	default:
		o, err := redis.ParseURL(r.raw)
		if err != nil {
			return nil, bad
		}
		r.fill(o.Username, options{
			&o.MaxRetries, &o.DialerRetries, &o.PoolSize, &o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout,
			&o.ContextTimeoutEnabled, &o.DisableIdentity, &o.CredentialsProviderContext, &o.Dialer,
		})
		o.MaintNotificationsConfig = noNotifications
		return redis.NewClient(o), nil
	}
}

// noNotifications: a server that moves is seen by its calls. A client of Sentinel takes none.
var noNotifications = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}

// options are those of the library that clients of each kind have, under the same names.
type options struct {
	maxRetries, dialerRetries, poolSize *int
	dial, read, write, pool             *time.Duration
	contextTimeout, noIdentity          *bool
	credentials                         *func(context.Context) (string, string, error)
	dialer                              *func(ctx context.Context, network, address string) (net.Conn, error)
}

// fill has each call made once, on one connection: what is repeated, and when, is the
// member's matter.
func (r *Redis) fill(user string, o options) {
	*o.maxRetries, *o.dialerRetries, *o.poolSize = -1, 1, 1
	*o.dial, *o.read, *o.write, *o.pool = callLimit, callLimit, callLimit, callLimit
	*o.contextTimeout, *o.noIdentity = true, true
	*o.credentials = r.credentials(user)
	if r.Dial != nil {
		*o.dialer = r.Dial
	}
}

// credentials reads the password's file at each connection, if there is one.
func (r *Redis) credentials(user string) func(context.Context) (string, string, error) {
	if r.file == "" {
		return nil
	}
	return func(context.Context) (string, string, error) {
		text, err := readSecret(r.file)
		return user, text, err
	}
}

// redisCoordinator is the script on a server.
type redisCoordinator struct {
	name   string
	client redis.UniversalClient
	script *redis.Script
	writes *redis.Script
}

func newRedisCoordinator(r *Redis, name string) *redisCoordinator {
	client, err := r.client()
	if err != nil {
		panic(err) // ParseURL has made one
	}
	return &redisCoordinator{name: name, client: client, script: redis.NewScript(source), writes: redis.NewScript(overrideSource)}
}

func (c *redisCoordinator) close() { _ = c.client.Close() }

func (c *redisCoordinator) call(ctx context.Context, r *request) (reply, error) {
	answer, err := c.script.Run(ctx, c.client, keysOf(c.name), r.arguments()...).Slice()
	if err != nil {
		return reply{}, c.failed(ctx, err)
	}
	return parseReply(answer)
}

func (c *redisCoordinator) rewrite(ctx context.Context, w rewriting) (rewritten, error) {
	answer, err := c.writes.Run(ctx, c.client, overrideKeys(c.name), w.arguments()...).Slice()
	if err != nil {
		return rewritten{}, c.failed(ctx, err)
	}
	return parseRewritten(answer)
}

func (c *redisCoordinator) list(ctx context.Context) (records, error) {
	keys := keysOf(c.name)
	members, err := c.client.HGetAll(ctx, keys[1]).Result()
	if err != nil {
		return records{}, c.failed(ctx, err)
	}
	about, err := c.client.HGetAll(ctx, keys[2]).Result()
	if err != nil {
		return records{}, c.failed(ctx, err)
	}
	return records{members: members, about: about}, nil
}

// failed has a cluster looked at anew after a call that failed, since another node may have
// the slot now (by itself the library looks once a minute), and puts the error into words.
func (c *redisCoordinator) failed(ctx context.Context, err error) error {
	if cluster, is := c.client.(*redis.ClusterClient); is {
		cluster.ReloadState(ctx)
	}
	return c.sentence(err)
}

// RefusedError is a coordinator that answers and refuses: somebody has to act.
type RefusedError struct{ What string }

// Error implements error.
func (e *RefusedError) Error() string { return e.What }

// refusals are the errors of a server that somebody has to act on, by what they say.
var refusals = []struct{ says, what string }{
	{"WRONGPASS", "Redis refuses the user or the password: set both in POLLER_FLEET_REDIS, or the password in password_file"},
	{"NOAUTH", "Redis asks for a password: set POLLER_FLEET_REDIS to redis://:PASSWORD@HOST:6379, or add ?password_file=FILE"},
	{"ERR AUTH", "Redis has no password and one is given: omit it from the URL"},
	{"ERR invalid password", "Redis refuses the password: set the right one in POLLER_FLEET_REDIS, or in password_file"},
	{"ERR DB index", "Redis does not have the database that the URL names: use /0"},
	{"ERR unknown command", "the server does not know the commands of scripts: use Redis 6.2 or later, or Valkey"},
	{"READONLY", "the server is a replica of another one: name the primary, or use redis+sentinel://"},
}

// sentence is an error of a call in words, without what the URL has of secrets.
func (c *redisCoordinator) sentence(err error) error {
	text := err.Error()
	keys := keysOf(c.name)
	switch {
	case strings.Contains(text, "WRONGTYPE"):
		return &RefusedError{fmt.Sprintf("the keys %s, or some of them, are there and are somebody else's: delete them, or use another --fleet-name", strings.Join(keys, ", "))}
	case strings.Contains(text, "ACL failure"), strings.Contains(text, "NOPERM"), strings.Contains(text, "can't run this command"):
		return &RefusedError{"the Redis user lacks a permission: allow eval, evalsha, time, info, hget, hgetall, hmget, hset, hdel, del and pexpire on the keys {poller:" + c.name + "}:*"}
	}
	for _, r := range refusals {
		if strings.Contains(text, r.says) {
			return &RefusedError{r.what}
		}
	}
	if refused := new(RefusedError); errors.As(err, &refused) {
		return refused // the password's file
	}
	if op := new(net.OpError); errors.As(err, &op) {
		return fmt.Errorf("Redis cannot be reached: %w", op.Err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("Redis does not answer within 0.5 s")
	}
	return fmt.Errorf("Redis cannot be reached: %w", err)
}
