using System.Net.Sockets;

namespace Penstock.Transport;

/// <summary>A socket on a loop. Calls never block; what they return below zero is minus errno.</summary>
internal sealed class EpollSocket(EpollLoop loop, Descriptor descriptor)
{
    private const int Failed = Libc.EPOLLERR | Libc.EPOLLHUP;

    private int _closed;

    /// <summary>The descriptor's number, which is another's once this is closed, and what tells the two apart.</summary>
    public ulong Tag { get; set; }

    public Descriptor Descriptor => descriptor;

    public Readiness Readable { get; } = new();

    public Readiness Writable { get; } = new();

    /// <summary>Called on the loop when the peer has ended or reset the connection. What it sent before may still be read.</summary>
    public Action? PeerClosed { get; set; }

    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    /// <summary>Joins the loop. Handlers are set before.</summary>
    /// <exception cref="SocketException">The kernel has no room for it.</exception>
    public void Start()
    {
        var result = loop.Add(this);
        if (result == 0) return;
        Close();
        throw new SocketException(-result);
    }

    /// <summary>Reads what is there, or fails with EAGAIN.</summary>
    public int Receive(Span<byte> buffer)
    {
        if (IsClosed) return -Libc.EBADF;
        Readable.BeginDrain();
        if (!EpollLoop.MayGoOn()) return TakeTurns();
        try
        {
            var read = Libc.Receive(descriptor, buffer);
            if (read == buffer.Length) Readable.MayHaveMore(); // less is all that there was (epoll(7), question 9)
            return read;
        }
        catch (ObjectDisposedException)
        {
            return -Libc.EBADF;
        }
    }

    /// <summary>Whether the peer has sent nothing that was not read, and has not left.</summary>
    public bool IsQuiet
    {
        get
        {
            try
            {
                return !IsClosed && Libc.IsQuiet(descriptor);
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }
    }

    /// <summary>Writes what the kernel takes, or fails with EAGAIN.</summary>
    public int Send(ReadOnlySpan<byte> buffer)
    {
        if (IsClosed) return -Libc.EBADF;
        Writable.BeginDrain();
        if (!EpollLoop.MayGoOn()) return TakeTurns();
        try
        {
            var sent = Libc.Send(descriptor, buffer);
            if (sent == buffer.Length) Writable.MayHaveMore();
            return sent;
        }
        catch (ObjectDisposedException)
        {
            return -Libc.EBADF;
        }
    }

    /// <summary>Takes the next client of a listening socket, or fails with EAGAIN.</summary>
    public int Accept(Span<byte> address, out int addressLength)
    {
        addressLength = 0;
        if (IsClosed) return -Libc.EBADF;
        Readable.BeginDrain();
        if (!EpollLoop.MayGoOn()) return TakeTurns();
        try
        {
            var accepted = Libc.Accept(descriptor, address, out addressLength);
            if (accepted != -Libc.EAGAIN) Readable.MayHaveMore();
            return accepted;
        }
        catch (ObjectDisposedException)
        {
            return -Libc.EBADF;
        }
    }

    /// <summary>Closes the connection: after what was sent, or at once with a reset that the peer sees.</summary>
    public void Close(bool reset = false)
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        loop.Remove(this);
        if (reset) Libc.ResetOnClose(descriptor);
        else Libc.Shutdown(descriptor);
        descriptor.Dispose();
        Readable.Close();
        Writable.Close();
    }

    /// <summary>From the loop.</summary>
    internal void Report(uint events)
    {
        var ended = (events & (Failed | Libc.EPOLLRDHUP)) != 0;
        if (ended) PeerClosed?.Invoke();
        if (ended || (events & Libc.EPOLLIN) != 0) Readable.Report(ended);
        if ((events & (Failed | Libc.EPOLLOUT)) != 0) Writable.Report((events & Failed) != 0);
    }

    // A peer that is always ready would keep the loop to itself: it is reported again, after the others.
    private int TakeTurns()
    {
        var result = loop.Renew(this);
        return result < 0 ? result : -Libc.EAGAIN;
    }
}
