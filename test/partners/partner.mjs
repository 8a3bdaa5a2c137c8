// A partner behind express-rate-limit: LIMIT requests in each WINDOW (ms), told by HEADERS.
// It prints its port. GET /stats shows what it took and what was refused.
import express from "express"
import { rateLimit } from "express-rate-limit"

const counts = { taken: 0, refused: 0 }
const { HEADERS: headers, LIMIT: limit = "0", WINDOW: window = "5000", TAKES: takes = "20" } = process.env
const app = express()
app.get("/stats", (_, answer) => answer.json(counts))
if (limit !== "0") {
  app.use(rateLimit({
    windowMs: Number(window),
    limit: Number(limit),
    standardHeaders: headers === "legacy" ? false : headers,
    legacyHeaders: headers === "legacy",
    validate: false,
    handler: (_, answer) => { counts.refused++; answer.status(429).end() },
  }))
}
app.post("/", (_, answer) => setTimeout(() => { counts.taken++; answer.status(204).end() }, Number(takes)))
// Node closes idle connections after 5 s, just when the next window begins.
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port))
server.keepAliveTimeout = 120_000
