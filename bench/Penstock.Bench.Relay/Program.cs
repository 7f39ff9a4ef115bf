// The least that a Kestrel gateway can do: send the request on, copy the reply's bytes, flush once a read.
// It parses nothing, keeps nothing and loses everything with the connection: the floor that Penstock is measured against.
//
//   Penstock.Bench.Relay --urls http://127.0.0.1:8001 --upstream http://127.0.0.1:8002

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
var upstream = new Uri(builder.Configuration["upstream"] ?? throw new InvalidOperationException("--upstream <base URL> is missing"));

using var client = new HttpMessageInvoker(new SocketsHttpHandler { UseCookies = false, UseProxy = false });
var app = builder.Build();

app.MapPost("/{**path}", async context =>
{
    var cancellation = context.RequestAborted;
    using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(upstream, context.Request.Path));
    request.Content = new StreamContent(context.Request.Body);
    request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
    request.Content.Headers.ContentLength = context.Request.ContentLength;

    using var response = await client.SendAsync(request, cancellation);
    context.Response.StatusCode = (int)response.StatusCode;
    context.Response.ContentType = response.Content.Headers.ContentType?.ToString();

    await using var body = await response.Content.ReadAsStreamAsync(cancellation);
    var writer = context.Response.BodyWriter;
    while (true)
    {
        _ = await body.ReadAsync(Memory<byte>.Empty, cancellation); // waits for data without holding a buffer
        var read = await body.ReadAsync(writer.GetMemory(4096), cancellation);
        if (read == 0) break;
        writer.Advance(read);
        await writer.FlushAsync(cancellation);
    }
});

await app.RunAsync();
