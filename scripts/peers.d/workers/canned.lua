-- wrk posts the body in the file that is named after "--", and prints what it
-- did as a line of JSON. Without a `request` function it formats its request
-- once.

function init(args)
   local file = assert(io.open(args[1], "rb"))
   wrk.method = "POST"
   wrk.body = file:read("*a")
   file:close()
end

function done(summary)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "errors": %d, "seconds": %f}\n',
      summary.requests,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      summary.duration / 1e6
   ))
end
