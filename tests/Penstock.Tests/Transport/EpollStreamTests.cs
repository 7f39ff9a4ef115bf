using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Security.Cryptography;
using Penstock.Testing;
using Penstock.Transport;

namespace Penstock.Tests.Transport;

/// <summary>A connection to a provider, with a plain socket on the other side.</summary>
public sealed class EpollStreamTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("localhost")]
    public async Task It_connects_by_address_and_by_name(string host)
    {
        using var listener = new TcpListener(host == "::1" ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0);
        listener.Start();
        await using var stream = await ConnectAsync(host, ((IPEndPoint)listener.LocalEndpoint).Port);
        using var peer = await listener.AcceptSocketAsync();
        await peer.SendAsync("hi"u8.ToArray());
        (await stream.ReadAsync(new byte[10])).ShouldBe(2);
    }

    [Fact]
    public async Task A_refused_connection_is_said_to_be()
    {
        var failure = await Should.ThrowAsync<SocketException>(ConnectAsync("127.0.0.1", Ports.Free()));
        failure.SocketErrorCode.ShouldBe(SocketError.ConnectionRefused);
    }

    [Fact]
    public async Task A_connect_that_nobody_answers_can_be_given_up()
    {
        using var patience = new CancellationTokenSource();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0); // one waits to be accepted; the kernel drops what comes after
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var connects = Enumerable.Range(0, 4).Select(_ => ConnectAsync("127.0.0.1", port, patience.Token)).ToArray();
        await Task.WhenAny(connects).WaitAsync(Eventually.Limit);
        await patience.CancelAsync();
        var open = connects.Where(c => c.Exception is null && !c.IsCanceled).ToArray();
        await Eventually.Is(() => connects.All(c => c.IsCompleted), "all have ended");
        connects.Count(c => c.IsCanceled).ShouldBeGreaterThan(0);
        foreach (var connect in open.Where(c => c.IsCompletedSuccessfully)) await (await connect).DisposeAsync();
    }

    [Fact]
    public async Task A_second_read_beside_one_that_waits_is_refused_and_harms_neither_it_nor_the_process()
    {
        await using var pair = await Pair.OpenAsync();
        var wait = pair.Stream.ReadAsync(new byte[10]).AsTask();
        Should.Throw<InvalidOperationException>(() => pair.Stream.ReadAsync(new byte[10]).AsTask());
        wait.IsCompleted.ShouldBeFalse();
        await pair.Stream.DisposeAsync();
        await Task.WhenAny(wait).WaitAsync(Eventually.Limit);
    }

    [Fact]
    public async Task A_read_of_nothing_waits_for_data_and_takes_none()
    {
        await using var pair = await Pair.OpenAsync();
        (await ReadAsync(pair, "first"u8.ToArray(), pair.Stream.ReadAsync(Memory<byte>.Empty))).ShouldBe("first");
        ValueTask<int> wait = default;
        async Task<bool> WaitsAsync()
        {
            wait = pair.Stream.ReadAsync(Memory<byte>.Empty);
            if (!wait.IsCompleted) return true;
            (await wait).ShouldBe(0); // the loop told late of what was read already, which a read that finds nothing puts right
            using var patience = new CancellationTokenSource();
            var read = pair.Stream.ReadAsync(new byte[10], patience.Token).AsTask();
            await patience.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(read.WaitAsync(Eventually.Limit));
            return false;
        }

        await Eventually.Is(WaitsAsync, "it waits");
        (await ReadAsync(pair, "second"u8.ToArray(), wait)).ShouldBe("second");
    }

    [Fact]
    public async Task What_came_with_the_end_is_read_before_it()
    {
        await using var pair = await Pair.OpenAsync();
        var body = RandomNumberGenerator.GetBytes(100_000);
        await pair.Peer.SendAsync(body);
        pair.Peer.Shutdown(SocketShutdown.Send);
        var read = new MemoryStream();
        await pair.Stream.CopyToAsync(read, 1000).WaitAsync(Eventually.Limit);
        read.ToArray().ShouldBe(body);
        (await pair.Stream.ReadAsync(new byte[1])).ShouldBe(0);
    }

    [Fact]
    public async Task An_end_that_came_with_a_little_data_is_not_missed()
    {
        for (var i = 0; i < 200; i++)
        {
            await using var pair = await Pair.OpenAsync();
            await pair.Peer.SendAsync("abc"u8.ToArray());
            pair.Peer.Shutdown(SocketShutdown.Send);
            (await pair.Stream.ReadAsync(new byte[10]).AsTask().WaitAsync(Eventually.Limit)).ShouldBe(3);
            (await pair.Stream.ReadAsync(new byte[10]).AsTask().WaitAsync(Eventually.Limit)).ShouldBe(0);
        }
    }

    [Fact]
    public async Task A_peer_that_has_ended_its_side_still_reads_ours()
    {
        await using var pair = await Pair.OpenAsync();
        pair.Peer.Shutdown(SocketShutdown.Send);
        (await pair.Stream.ReadAsync(new byte[1])).ShouldBe(0);
        await pair.Stream.WriteAsync("still here"u8.ToArray());
        (await pair.Peer.ReceiveAsync(new byte[100])).ShouldBe(10);
    }

    [Fact]
    public async Task A_reset_fails_the_read_that_waits()
    {
        await using var pair = await Pair.OpenAsync();
        var read = pair.Stream.ReadAsync(new byte[10]).AsTask();
        pair.Peer.LingerState = new LingerOption(true, 0);
        pair.Peer.Close();
        (await Should.ThrowAsync<IOException>(read.WaitAsync(Eventually.Limit))).InnerException.ShouldBeOfType<SocketException>().SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
    }

    [Fact]
    public async Task A_write_to_a_slow_reader_waits_and_arrives_whole()
    {
        await using var pair = await Pair.OpenAsync(receiveBuffer: 4096);
        var body = RandomNumberGenerator.GetBytes(16 * 1024 * 1024);
        var write = pair.Stream.WriteAsync(body).AsTask();
        write.IsCompleted.ShouldBeFalse();
        var received = new byte[body.Length];
        for (var at = 0; at < body.Length;)
        {
            var read = await pair.Peer.ReceiveAsync(received.AsMemory(at)).AsTask().WaitAsync(Eventually.Limit);
            read.ShouldBeGreaterThan(0);
            at += read;
        }

        await write.WaitAsync(Eventually.Limit);
        received.AsSpan().SequenceEqual(body).ShouldBeTrue();
    }

    [Fact]
    public async Task A_write_that_waits_fails_when_its_reader_goes()
    {
        await using var pair = await Pair.OpenAsync(receiveBuffer: 4096);
        var write = pair.Stream.WriteAsync(new byte[16 * 1024 * 1024]).AsTask();
        pair.Peer.LingerState = new LingerOption(true, 0);
        pair.Peer.Close();
        await Should.ThrowAsync<IOException>(write.WaitAsync(Eventually.Limit));
    }

    [Fact]
    public async Task A_read_that_was_given_up_loses_nothing()
    {
        await using var pair = await Pair.OpenAsync();
        using var patience = new CancellationTokenSource();
        var read = pair.Stream.ReadAsync(new byte[10], patience.Token).AsTask();
        await patience.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(read.WaitAsync(Eventually.Limit));
        await Should.ThrowAsync<OperationCanceledException>(pair.Stream.ReadAsync(new byte[10], patience.Token).AsTask);
        (await ReadAsync(pair, "kept"u8.ToArray(), default)).ShouldBe("kept");
    }

    [Fact]
    public async Task Disposal_ends_what_waits()
    {
        await using var pair = await Pair.OpenAsync(receiveBuffer: 4096);
        var read = pair.Stream.ReadAsync(new byte[10]).AsTask();
        var write = pair.Stream.WriteAsync(new byte[16 * 1024 * 1024]).AsTask();
        await pair.Stream.DisposeAsync();
        await Should.ThrowAsync<ObjectDisposedException>(read.WaitAsync(Eventually.Limit));
        await Should.ThrowAsync<ObjectDisposedException>(write.WaitAsync(Eventually.Limit));
        await Should.ThrowAsync<ObjectDisposedException>(pair.Stream.ReadAsync(new byte[1]).AsTask);
    }

    [Fact]
    public async Task Waits_and_their_cancellation_may_meet_at_any_moment()
    {
        await using var pair = await Pair.OpenAsync();
        var buffer = new byte[1];
        for (var i = 0; i < 2000; i++)
        {
            using var patience = new CancellationTokenSource();
            var read = pair.Stream.ReadAsync(buffer, patience.Token).AsTask();
            var cancel = Task.Run(patience.Cancel);
            await pair.Peer.SendAsync(new[] { (byte)i });
            try
            {
                await read.WaitAsync(Eventually.Limit);
            }
            catch (OperationCanceledException)
            {
                (await pair.Stream.ReadAsync(buffer).AsTask().WaitAsync(Eventually.Limit)).ShouldBe(1);
            }

            buffer[0].ShouldBe((byte)i);
            await cancel;
        }
    }

    [Fact]
    public async Task A_cancellation_that_meets_the_beginning_of_a_wait_is_not_lost()
    {
        const int Count = 5000;
        await using var pair = await Pair.OpenAsync();
        using var together = new Barrier(2);
        var sources = Enumerable.Range(0, Count).Select(_ => new CancellationTokenSource()).ToArray();
        var cancels = Task.Factory.StartNew(
            () =>
            {
                foreach (var source in sources)
                {
                    together.SignalAndWait();
                    source.Cancel();
                }
            },
            TaskCreationOptions.LongRunning);
        foreach (var source in sources)
        {
            together.SignalAndWait();
            await Should.ThrowAsync<OperationCanceledException>(pair.Stream.ReadAsync(new byte[1], source.Token).AsTask().WaitAsync(Eventually.Limit));
        }

        await cancels;
    }

    private static async Task<Stream> ConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        await new EpollConnector(EpollLoops.Shared!).ConnectAsync(new DnsEndPoint(host, port), cancellationToken);

    private static async Task<string> ReadAsync(Pair pair, byte[] sent, ValueTask<int> wait)
    {
        await pair.Peer.SendAsync(sent);
        (await wait.AsTask().WaitAsync(Eventually.Limit)).ShouldBe(0);
        var buffer = new byte[100];
        return System.Text.Encoding.UTF8.GetString(buffer, 0, await pair.Stream.ReadAsync(buffer).AsTask().WaitAsync(Eventually.Limit));
    }
}
