using System.Net.Sockets;
using System.Text;

namespace Penstock.Bench.Load;

/// <summary>One of the load's streams: a connection, and the reply that is being read from it.</summary>
sealed class LoadConnection(int tag, LoadOptions options)
{
    readonly byte[] _ending = Encoding.ASCII.GetBytes(options.Ending);

    public int Tag { get; } = tag;
    public Socket? Socket { get; set; }
    public ResponseReader Reader { get; } = new();
    public TokenChecker Checker { get; private set; } = null!;

    /// <summary>How much of the request was written.</summary>
    public int Sent { get; set; }

    /// <summary>When the request's first byte was written, in ticks.</summary>
    public long SentAt { get; set; }

    /// <summary>A request is under way.</summary>
    public bool IsActive { get; private set; }

    public void Begin()
    {
        IsActive = true;
        Sent = 0;
        Reader.Reset();
        Checker = new TokenChecker(options.Tokens, _ending, options.Repeats);
    }

    public void End() => IsActive = false;

    public void Close()
    {
        Socket?.Dispose();
        Socket = null;
    }
}
