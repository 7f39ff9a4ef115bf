using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Penstock.Bench.Scale;

/// <summary>A provider that talks for ever, a token each 20 ms, and knows when each of its connections was closed.</summary>
sealed partial class StopUpstream : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly ConcurrentDictionary<int, Call> _calls = new();

    public StopUpstream()
    {
        _listener.Start(1024);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The call whose prompt is <c>stop-NUMBER</c>, whether it has come or not.</summary>
    public Call this[int number] => _calls.GetOrAdd(number, static _ => new Call());

    public void Dispose() => _listener.Dispose();

    async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // disposed
        }
    }

    async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            var request = new StringBuilder();
            var buffer = new byte[16 * 1024];
            Match prompt;
            while (!(prompt = Prompt().Match(request.ToString())).Success)
            {
                var count = await socket.ReceiveAsync(buffer);
                if (count == 0) return;
                request.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }

            var call = this[int.Parse(prompt.Groups["number"].Value, CultureInfo.InvariantCulture)];
            using var closed = new CancellationTokenSource();
            var talking = TalkAsync(socket, call, closed.Token);
            try
            {
                while (await socket.ReceiveAsync(buffer) > 0) { }
            }
            catch (SocketException)
            {
                // reset: closed as well
            }

            call.ClosedAt.TrySetResult(Stopwatch.GetTimestamp());
            await closed.CancelAsync();
            await talking;
        }
    }

    static async Task TalkAsync(Socket socket, Call call, CancellationToken closed)
    {
        const string Token = """data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"token "},"finish_reason":null}]}""" + "\n\n";
        var chunk = Encoding.ASCII.GetBytes($"{Token.Length:x}\r\n{Token}\r\n");
        try
        {
            await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray(), closed);
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            do
            {
                await socket.SendAsync(chunk, closed);
                call.Begun.TrySetResult();
            }
            while (await pace.WaitForNextTickAsync(closed));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // closed
        }
    }

    [GeneratedRegex("stop-(?<number>[0-9]+)\"", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Prompt();

    internal sealed class Call
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>In ticks.</summary>
        public TaskCompletionSource<long> ClosedAt { get; } = new();
    }
}
