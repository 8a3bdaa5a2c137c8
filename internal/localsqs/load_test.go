package localsqs

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// wire is one keep-alive connection that speaks just enough HTTP to load the
// server: the figures are the server's, not a client's.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func dial(b *testing.B, address string) *wire {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
}

func request(action, body string) []byte {
	return fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\n"+
		"X-Amz-Target: AmazonSQS.%s\r\nContent-Length: %d\r\n\r\n%s", action, len(body), body)
}

func (w *wire) do(b *testing.B, request []byte) []byte {
	b.Helper()
	if _, err := w.conn.Write(request); err != nil {
		b.Error(err)
		return nil
	}
	length, ok := 0, false
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			b.Error(err)
			return nil
		}
		if strings.HasPrefix(string(line), "HTTP/1.1 200") {
			ok = true
		}
		if _, err := fmt.Sscanf(string(line), "Content-Length: %d", &length); err == nil {
			continue
		}
		if len(line) == 2 {
			break
		}
	}
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	w.body = w.body[:length]
	if _, err := io.ReadFull(w.in, w.body); err != nil {
		b.Error(err)
	}
	if !ok {
		b.Errorf("answer %s", w.body)
	}
	return w.body
}

func serve(b *testing.B) string {
	b.Helper()
	s := New()
	if _, err := s.CreateQueue("orders", nil); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(s)
	b.Cleanup(func() { server.Close(); s.Close() })
	return strings.TrimPrefix(server.URL, "http://")
}

const sendBody = `{"QueueUrl":"http://127.0.0.1:9324/000000000000/orders","MessageBody":"{\"order\":4711,\"items\":[{\"sku\":\"A-17\",\"n\":2}]}"}`

func BenchmarkSendMessageOverHTTP(b *testing.B) {
	address := serve(b)
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		w := dial(b, address)
		defer w.conn.Close()
		r := request("SendMessage", sendBody)
		for pb.Next() {
			w.do(b, r)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
}

func BenchmarkSendMessageBatchOverHTTP(b *testing.B) {
	address := serve(b)
	entries := make([]string, 10)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"Id":"%d","MessageBody":"{\"order\":4711,\"items\":[{\"sku\":\"A-17\",\"n\":2}]}"}`, i)
	}
	batch := `{"QueueUrl":"http://127.0.0.1:9324/000000000000/orders","Entries":[` + strings.Join(entries, ",") + `]}`
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		w := dial(b, address)
		defer w.conn.Close()
		r := request("SendMessageBatch", batch)
		for pb.Next() {
			w.do(b, r)
		}
	})
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkReceiveAndDeleteByTen is one message's share of a receive of ten and
// the batch that deletes them, with the batch that sent them.
func BenchmarkReceiveAndDeleteByTen(b *testing.B) {
	address := serve(b)
	const url = `{"QueueUrl":"http://127.0.0.1:9324/000000000000/orders",`
	entries := make([]string, 10)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"Id":"%d","MessageBody":"{\"order\":4711,\"items\":[{\"sku\":\"A-17\",\"n\":2}]}"}`, i)
	}
	send := request("SendMessageBatch", url+`"Entries":[`+strings.Join(entries, ",")+`]}`)
	receive := request("ReceiveMessage", url+`"MaxNumberOfMessages":10,"MessageSystemAttributeNames":["SentTimestamp","ApproximateReceiveCount","MessageGroupId","MessageDeduplicationId","AWSTraceHeader"],"MessageAttributeNames":["All"]}`)
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		w := dial(b, address)
		defer w.conn.Close()
		for pb.Next() {
			w.do(b, send)
			var got struct {
				Messages []struct{ ReceiptHandle string }
			}
			if err := json.Unmarshal(w.do(b, receive), &got); err != nil {
				b.Error(err)
			}
			deletes := make([]string, len(got.Messages))
			for i, m := range got.Messages {
				deletes[i] = fmt.Sprintf(`{"Id":"%d","ReceiptHandle":"%s"}`, i, m.ReceiptHandle)
			}
			if len(deletes) > 0 {
				w.do(b, request("DeleteMessageBatch", url+`"Entries":[`+strings.Join(deletes, ",")+`]}`))
			}
		}
	})
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkSendMessageHandlerAlone(b *testing.B) {
	s := New()
	defer s.Close()
	_, _ = s.CreateQueue("orders", nil)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(sendBody))
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}
