using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Penstock.Tests.Transport.Http;

/// <summary>An origin that answers each request with exactly the bytes that a test says.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<RawRequest, Task> _script;
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private int _accepted;

    private RawServer(Func<RawRequest, Task> script, bool tls)
    {
        _script = script;
        if (tls) _certificate = NewCertificate();
        _listener.Start();
        Url = new Uri($"{(tls ? "https" : "http")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1/answer?a=b%20c");
        _ = AcceptAsync();
    }

    public Uri Url { get; }

    public int Accepted => Volatile.Read(ref _accepted);

    public int Open => _open.Count;

    public static RawServer Start(Func<RawRequest, Task> script, bool tls = false) => new(script, tls);

    /// <summary>Answers every request with these bytes, and goes on.</summary>
    public static RawServer Always(string reply, bool tls = false) => Start(request => request.SendAsync(reply), tls);

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (var socket in _open.Keys) socket.Dispose();
        _certificate?.Dispose();
        return default;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            socket.NoDelay = true;
            _open[socket] = true;
            var number = Interlocked.Increment(ref _accepted);
            _ = Task.Run(() => ServeAsync(socket, number));
        }
    }

    private async Task ServeAsync(Socket socket, int number)
    {
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            if (_certificate is not null)
            {
                var tls = new SslStream(stream);
                await tls.AuthenticateAsServerAsync(_certificate);
                stream = tls;
            }

            while (await ReadAsync(socket, stream, number) is { } request) await _script(request);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The client has left.
        }
        finally
        {
            socket.Dispose();
            _open.TryRemove(socket, out _);
        }
    }

    private static async Task<RawRequest?> ReadAsync(Socket socket, Stream stream, int number)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one) == 0) return null;
            head.Append((char)one[0]);
        }

        var text = head.ToString();
        var length = text.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase));
        return new RawRequest(socket, stream, number, text, length is null ? 0 : int.Parse(length[16..], CultureInfo.InvariantCulture));
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
    }
}

/// <summary>One request, of which the head was read.</summary>
internal sealed class RawRequest(Socket socket, Stream stream, int connection, string head, int bodyLength)
{
    /// <summary>Which connection it came on, from 1.</summary>
    public int Connection => connection;

    public string Head => head;

    public async Task<byte[]> BodyAsync()
    {
        var body = new byte[bodyLength];
        await stream.ReadExactlyAsync(body);
        return body;
    }

    public Task SendAsync(string bytes) => stream.WriteAsync(Encoding.Latin1.GetBytes(bytes)).AsTask();

    public void Send(ReadOnlySpan<byte> bytes) => socket.Send(bytes);

    public async Task SendByteByByteAsync(string bytes)
    {
        foreach (var b in Encoding.Latin1.GetBytes(bytes))
        {
            await stream.WriteAsync(new[] { b });
            await Task.Yield();
        }
    }

    /// <summary>Ends the connection after what was sent.</summary>
    public void Close() => socket.Shutdown(SocketShutdown.Both);

    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    /// <summary>Completes when the client has closed the connection.</summary>
    public async Task ClosedAsync()
    {
        try
        {
            while (await stream.ReadAsync(new byte[4096]) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Or reset it.
        }
    }
}
