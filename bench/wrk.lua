-- What wrk sends and what it prints at the end: one line of JSON.
local body = os.getenv("BENCH_BODY")
if body then
    wrk.method = "POST"
    wrk.body = body
    wrk.headers["content-type"] = "application/json"
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format('{"requests":%d,"failed":%d,"seconds":%.6f,"p50_us":%d,"p99_us":%d}\n', summary.requests,
        failed, summary.duration / 1e6, latency:percentile(50), latency:percentile(99)))
end
