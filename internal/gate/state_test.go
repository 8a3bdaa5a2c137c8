package gate_test

import (
	"strings"
	"testing"
)

func TestTheStateChanges(t *testing.T) {
	t.Parallel()
	table(t, []row{
		{"the first success opens a gate that starts", "starting o:ok open"},
		{"a rejection that is believed is a success", "starting r:400 open"},
		{"a rejection that is believed opens a wary gate", toWary + "+200ms r:400 open"},
		{"a rejection that is believed opens a closed gate halfway", toClosed + "probe r:400 half_open"},
		{"a rejection that is doubted opens nothing", "abcde:400 fghij:400h wary +200ms r:400h wary +1s tick closed probe s:400h closed"},
		{"a gate that starts closes when five fail for a second", "abcde:500 +999ms tick starting +1ms tick closed"},
		{"four that fail do not close a gate that starts", "abcd:500 +1m tick starting"},

		{"an open gate is wary when five fail", "o:ok abcd:500 open e:500 wary"},
		{"failures to connect and 429 count like any other", "o:ok ab:net c:429 de:503 wary"},
		{"retries do not count", "o:ok abcd:500 +10s abcd:500 abcd:500 open"},
		{"but those without a connection do, which no message causes", "o:ok p> +1ms abcd:net p=ok failing=0 abcd:net open e:net wary"},
		{"retries of what a success has overtaken do not count", "o:ok abcd:429 +1ms p:ok abcde:429 open failing=1"},
		{"messages with a record do not count", "jklmn:500 +1ms o:ok jklmn?x jklmn:500 open failing=0"},
		{"messages that were released to make room do not count", "o:ok abcd:500 abcd-room +1ms p:ok abcde:500 open failing=1"},
		{"nor those that were refused before that", "o:ok abcd:429 abcd-room +1ms p:ok abcde:429 open failing=1"},
		{"nor those that left while they were failing, and came again", "o:ok abcd:429 abcd- +1ms p:ok abcde:429 open failing=1"},
		{"those that left and were delivered since count again", "o:ok abcd:429 abcd- +1ms abcd:ok abcde:429 failing=5"},
		{"those that were delivered in the end are new when they come again", "o:ok abcd:429 +1ms abcd:ok abcde:429 failing=5"},
		{"nor how well retries work", "o:ok k:500 k-room k:ok " + strings.Repeat("k:500 k- ", 40) + "pay=true"},
		{"nor do they say how many newcomers are delivered", strings.Repeat("abcdefghij:ok ", 3) + strings.Repeat("k:429 k- ", 20) + "p:ok qrstuv:429 wary"},
		{"those who were released to make room and were delivered since count again", "o:ok abcd:500 abcd-room +1ms abcd:ok abcde:500 failing=5"},
		{"who is given up is no sign of trouble", knownBad + "k:500x failing=0"},
		{"a success ends the trouble", "o:ok abcd:500 +1ms p:ok failing=0 efgh:500 open"},
		{"whenever that success began", "p> o:ok open abcd:500 p=ok failing=0"},
		{"a failing try that began before one that succeeded does not count", "o:ok abcde> p:ok abcde=500 open failing=0"},
		{"nor does it if one that began earlier succeeds later", "o:ok p> abcde> q:ok p=ok abcde=500 open failing=0"},
		{"one that began after all that have succeeded does", "o:ok p> abcde> p=ok abcd=500 open failing=4 e=500 wary"},
		{"what a standstill of this process left open does not count", "o:ok abcde> +1m abcde=unseen open failing=0"},
		{"nor does it say how well retries work", "o:ok works*30 k:500 " + strings.Repeat("k:unseen ", 300) + "p:ok abcde:500 open"},
		{"429s in a row are chance where half of the first tries are refused", "o:ok abc:429 p:ok defgh:429 open"},
		{"other failures are not", "o:ok abc:429 p:ok defgh:500 wary"},
		{"where retrying works, five that fail are chance, and more tries are needed", "o:ok works*30 abcde:500 open abcde:500 open abcd:500 open e:500 wary"},
		{"an open gate does not close by time alone", "o:ok abcd:500 +1h tick open"},

		{"a success that began since opens a wary gate", toWary + "+200ms p:ok open failing=0"},
		{"a success that began before does not open a wary gate", "o:ok p> +1ms abcde:500 wary p=ok wary failing=5 +1s tick closed"},
		{"unless one begun since has not failed yet", "o:ok p> +1ms f> abcde:500 wary p=ok open failing=0"},
		{"one begun before says nothing of since", "o:ok pq> +1ms abcde:500 wary p=ok wary failing=5"},
		{"which was left does not count", "o:ok p> +1ms f> abcde:500 wary f- p=ok wary"},
		{"or the target answers 429: it is there", "o:ok p> +1ms " + strings.Repeat("abcde:429 ", 7) + "abc:429 wary p=ok open failing=0"},
		{"a wary gate closes when five have failed for a second", toWary + "+999ms tick wary +1ms tick closed"},
		{"a failing try closes it as well as time alone", toWary + "+1s f:500 closed"},
		{"the time counts from the first of the failing tries on", "o:ok a> +500ms bcde:500 open a=500 wary +499ms tick wary +1ms tick closed"},
		{"a gate closes after two mean deliveries", "o> +2s o=ok abcde:500 +3999ms tick wary +1ms tick closed"},
		{"a gate closes after 10 s at most", "o> +1m o=ok abcde:500 +9999ms tick wary +1ms tick closed"},
		{"the mean is of the last deliveries", strings.Repeat("o:ok ", 100) + strings.Repeat("o> +5s o=ok ", 60) + "abcde:500 wary +9s tick wary +1s tick closed"},
		{"the mean is of deliveries that were delivered", "o:ok a> r> +1m r=400 a=500 bcdef:500 +1s tick closed"},

		{"a success that began since opens a closed gate halfway", toClosed + "probe p:ok half_open failing=0"},
		{"a success that began before does not open a closed gate", "o:ok p> abcde:500 +1s tick closed p=ok closed failing=5"},
		{"time alone opens no closed gate", toClosed + "+24h tick closed"},

		{"a half-open gate has one delivery at once, and one more with each success", toHalf + "limit=1 q:ok limit=2 r:ok limit=3"},
		{"a half-open gate is open when its limit is the slots", "slots=3" + toHalf + "q:ok half_open limit=2 r:ok open limit=3"},
		{"the limit of another closing begins at one", toHalf + "qrstuvw:ok limit=8 fghij> fghij=500 limit=4 +1s tick closed probe q:ok half_open limit=1"},
		{"a failing try halves the limit, to one at least", toHalf + "qrs:ok limit=4 v:500 limit=2 w:500 limit=1 x:500 limit=1"},
		{"tries that ran together halve the limit once", toHalf + "qrs:ok vwx> vwx=500 limit=2 y:500 limit=1"},
		{"a failing try that began before does not halve the limit", "o:ok q> abcde:500 +1s tick closed probe p:ok rs:ok limit=3 q=500 limit=3"},
		{"a half-open gate is open after 30 s", toHalf + "+29999ms tick half_open +1ms tick open"},
		{"a half-open gate closes when five fail for a second", toHalf + "vwxyz:500 half_open +999ms tick half_open +1ms tick closed"},
	})
}

func TestATryBegins(t *testing.T) {
	t.Parallel()
	table(t, []row{
		{"a closed gate waits for its first probe", toClosed + "+499ms f!"},
		{"one probe runs at a time", toClosed + "probe f> g! +1h g!"},
		{"that of another queue counts as well", toClosed + "probe f> other: G!"},
		{"after a probe comes a gap", toClosed + "probe f:500 g! +499ms g! probe g>"},
		{"the next probe waits for the Retry-After of the last", toClosed + "probe f:503/30s +29999ms g! +1ms g>"},
		{"but for ten minutes at most", toClosed + "probe f:503/1h +599s g! +1s g>"},
		{"a probe that was long in failing leaves no gap", toClosed + "probe f> +5s f=500 g>"},
		{"its Retry-After is told when it fails", toClosed + "probe f> +5s f=503/30s +29999ms g! +1ms g>"},
		{"a canceled probe opens nothing and has a gap after it", toClosed + "probe f> f=cut closed g! +1500ms g>"},
		{"a canceled try proves nothing", "o:ok abcde> abcde=cut open failing=0 held=0"},
		{"a canceled try is no success", "o:ok abcd:500 f> f=cut failing=4"},
		{"a probe whose message leaves makes way", toClosed + "probe f> f- g>"},
		{"another's leaving does not", toClosed + "probe f> a- g!"},
		{"a wary gate tries one in a fifth of the time that is left to it", toWary + "+199ms f! +1ms f> +199ms g! +1ms g>"},
		{"which is longer where deliveries are", "o> +5s o=ok abcde:500 wary +1999ms f! +1ms f>"},
		{"an open gate tries all of them", "o:ok abcdefghij>"},
		{"a half-open gate has no gap", toHalf + "qr>"},
		{"a message that is tried is not held", "o:ok a:500 held=1 a> held=0 a=500 held=1 a- held=0"},
	})
}

func TestItSaysWhenToComeAgain(t *testing.T) {
	t.Parallel()
	table(t, []row{
		{"an open gate has nothing to do by time alone", "o:ok wake=never"},
		{"a gate that starts may close", "abcd:500 wake=never e:500 wake=1s +400ms wake=600ms"},
		{"a wary gate lets the next try begin", toWary + "wake=200ms"},
		{"a wary gate may close before the next try", toWary + "+900ms f> wake=100ms"},
		{"what is due already wakes nobody", toWary + "+1s wake=never"},
		{"a half-open gate opens", toHalf + "wake=30s +10s tick wake=20s"},
		{"a half-open gate may close", toHalf + "vwxyz:500 wake=1s"},
		{"while a probe runs nothing is due", toClosed + "probe f> wake=never"},
	})
	r := play(t, toClosed)
	if at, want := r.seat.Wake(r.now), r.Status(10).NextProbe; !at.Equal(want) || !at.After(r.now) {
		t.Errorf("a closed gate is to be looked at at %v, its probe is due at %v", at, want)
	}
}

func TestTheVersionGrowsWhenAReviewMaySaySomethingNew(t *testing.T) {
	t.Parallel()
	table(t, []row{
		{"a failing try changes nothing for others", "o:ok version=grown a:500 version=same"},
		{"a delivery may prove something", "o:ok version=grown a:500 +1ms p:ok version=grown"},
		{"so does one that began before the gate was wary", "o:ok p> +1ms abcde:500 wary version=grown p=ok version=grown"},
		{"a rejection that is believed ends trouble", "o:ok a:500 version=grown r:400 version=grown"},
		{"each change of the state", toWary + "version=grown +1s tick closed version=grown"},
	})
}
