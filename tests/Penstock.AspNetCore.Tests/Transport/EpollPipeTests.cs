using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.AspNetCore.Transport;
using Penstock.Testing;
using Penstock.Transport;

namespace Penstock.AspNetCore.Tests.Transport;

/// <summary>A client's connection as Kestrel holds it: what a PipeReader and a PipeWriter promise, and what they hold.</summary>
public sealed class EpollPipeTests : IAsyncLifetime
{
    private EpollListener _listener = null!;
    private ConnectionContext _connection = null!;
    private Socket _client = null!;

    private PipeReader Input => _connection.Transport.Input;

    private PipeWriter Output => _connection.Transport.Output;

    public async ValueTask InitializeAsync()
    {
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        bound.Listen();
        _listener = new EpollListener(bound, EpollLoops.Shared!, MemoryPool<byte>.Shared, TimeProvider.System, NullLogger.Instance);
        _client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = 4096 };
        await _client.ConnectAsync(_listener.EndPoint);
        _connection = (await _listener.AcceptAsync().AsTask().WaitAsync(Eventually.Limit))!;
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        _client.Dispose();
        _connection.Abort(new ConnectionAbortedException());
        await _connection.DisposeAsync();
    }

    [Fact]
    public async Task What_was_examined_and_not_consumed_comes_again_with_more()
    {
        await _client.SendAsync("first "u8.ToArray());
        var read = await ReadAsync();
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        var next = ReadAsync();
        next.IsCompleted.ShouldBeFalse();
        await _client.SendAsync("second"u8.ToArray());
        Encoding.ASCII.GetString((await next).Buffer).ShouldBe("first second");
    }

    [Fact]
    public async Task What_was_not_examined_comes_again_at_once()
    {
        await _client.SendAsync("line\nrest"u8.ToArray());
        var read = await ReadAsync();
        Input.AdvanceTo(read.Buffer.GetPosition(5));
        Input.TryRead(out read).ShouldBeTrue();
        Encoding.ASCII.GetString(read.Buffer).ShouldBe("rest");
        Input.AdvanceTo(read.Buffer.End);
        Input.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_message_larger_than_a_block_is_one_buffer_in_the_end()
    {
        var message = Enumerable.Range(0, 300_000).Select(i => (byte)i).ToArray();
        var sent = Task.Run(async () =>
        {
            for (var at = 0; at < message.Length;) at += await _client.SendAsync(message.AsMemory(at));
        });
        while (true)
        {
            var read = await ReadAsync();
            if (read.Buffer.Length == message.Length)
            {
                read.Buffer.ToArray().ShouldBe(message);
                break;
            }

            Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        await sent;
    }

    [Fact]
    public async Task A_read_is_cancelled_while_it_waits_and_before()
    {
        var pending = ReadAsync();
        Input.CancelPendingRead();
        (await pending).IsCanceled.ShouldBeTrue();
        Input.CancelPendingRead();
        (await ReadAsync()).IsCanceled.ShouldBeTrue();
        await _client.SendAsync("x"u8.ToArray());
        (await ReadAsync()).Buffer.Length.ShouldBe(1);
    }

    [Fact]
    public async Task Nothing_is_held_while_nothing_is_there()
    {
        var input = (EpollPipeReader)Input;
        var output = (EpollPipeWriter)Output;
        var pending = ReadAsync();
        input.HoldsBuffer.ShouldBeFalse();
        await _client.SendAsync("x"u8.ToArray());
        var read = await pending;
        input.HoldsBuffer.ShouldBeTrue();
        Input.AdvanceTo(read.Buffer.End);
        input.HoldsBuffer.ShouldBeFalse();

        Output.Write("y"u8);
        output.HoldsBuffer.ShouldBeTrue();
        await Output.FlushAsync();
        output.HoldsBuffer.ShouldBeFalse();
    }

    [Fact]
    public async Task A_flush_waits_until_the_kernel_has_all_and_can_be_cancelled_losing_nothing()
    {
        const int Count = 8 * 1024 * 1024;
        Output.Write(new byte[Count]);
        var flush = Output.FlushAsync().AsTask();
        flush.IsCompleted.ShouldBeFalse();
        Output.CancelPendingFlush();
        (await flush.WaitAsync(Eventually.Limit)).IsCanceled.ShouldBeTrue();
        Output.UnflushedBytes.ShouldBeInRange(1, Count);
        Output.Write("end"u8);
        flush = Output.FlushAsync().AsTask();
        (await ReceiveAsync(Count + 3)).ShouldBe(Count + 3);
        (await flush.WaitAsync(Eventually.Limit)).ShouldBe(default);
    }

    [Fact]
    public async Task Completion_sends_what_was_not_flushed()
    {
        Output.Write(new byte[8 * 1024 * 1024]);
        await Output.CompleteAsync();
        var disposed = _connection.DisposeAsync().AsTask();
        (await ReceiveAsync(int.MaxValue)).ShouldBe(8 * 1024 * 1024);
        await disposed.WaitAsync(Eventually.Limit);
    }

    [Fact]
    public async Task Completion_during_a_flush_lets_it_end()
    {
        Output.Write(new byte[8 * 1024 * 1024]);
        var flush = Output.FlushAsync().AsTask();
        var disposed = _connection.DisposeAsync().AsTask();
        (await ReceiveAsync(int.MaxValue)).ShouldBe(8 * 1024 * 1024);
        await flush.WaitAsync(Eventually.Limit);
        await disposed.WaitAsync(Eventually.Limit);
    }

    [Fact]
    public async Task An_abort_ends_what_waits_and_says_why()
    {
        Output.Write(new byte[8 * 1024 * 1024]);
        var flush = Output.FlushAsync().AsTask();
        var read = Record.ExceptionAsync(async () => await Input.ReadAsync());
        _connection.Abort(new ConnectionAbortedException("enough"));
        (await flush.WaitAsync(Eventually.Limit)).IsCompleted.ShouldBeTrue();
        (await read.AsTask().WaitAsync(Eventually.Limit)).ShouldBeOfType<ConnectionAbortedException>().Message.ShouldBe("enough");
        await Eventually.Is(() => _connection.ConnectionClosed.IsCancellationRequested, "the connection is closed");
    }

    [Fact]
    public async Task A_client_that_resets_ends_what_waits()
    {
        Output.Write(new byte[8 * 1024 * 1024]);
        var flush = Output.FlushAsync().AsTask();
        var read = ReadAsync();
        _client.LingerState = new LingerOption(true, 0);
        _client.Close();
        (await flush.WaitAsync(Eventually.Limit)).IsCompleted.ShouldBeTrue();
        await Should.ThrowAsync<ConnectionResetException>(read);
        await Eventually.Is(() => _connection.ConnectionClosed.IsCancellationRequested, "the connection is closed");
        Output.Write("nobody hears"u8);
        (await Output.FlushAsync()).IsCompleted.ShouldBeTrue();
    }

    [Fact]
    public async Task An_accept_that_waits_ends_when_the_address_is_given_up()
    {
        var accept = _listener.AcceptAsync().AsTask();
        await _listener.UnbindAsync();
        (await accept.WaitAsync(Eventually.Limit)).ShouldBeNull();
    }

    private Task<ReadResult> ReadAsync() => Input.ReadAsync().AsTask().WaitAsync(Eventually.Limit);

    private async Task<int> ReceiveAsync(int most)
    {
        var buffer = new byte[64 * 1024];
        var total = 0;
        while (total < most)
        {
            var read = await _client.ReceiveAsync(buffer).WaitAsync(Eventually.Limit);
            if (read == 0) break;
            total += read;
        }

        return total;
    }
}
