using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Penstock.Bench.Scale;

/// <summary>What a Redis has done since it started, as it says itself.</summary>
/// <param name="Scripts">Scripts run: an append of a batch is one.</param>
/// <param name="Commands">All commands, those inside scripts too.</param>
/// <param name="BytesIn">Bytes read from its clients.</param>
/// <param name="BytesOut">Bytes written to them.</param>
/// <param name="Memory">Bytes of memory in use.</param>
sealed record RedisWork(long Scripts, long Commands, long BytesIn, long BytesOut, long Memory)
{
    public static RedisWork operator -(RedisWork later, RedisWork earlier) =>
        new(later.Scripts - earlier.Scripts, later.Commands - earlier.Commands, later.BytesIn - earlier.BytesIn, later.BytesOut - earlier.BytesOut, later.Memory - earlier.Memory);

    public static async Task<RedisWork> OfAsync(int port, CancellationToken cancellation)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, cancellation);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("INFO all\r\nQUIT\r\n"), cancellation);
        using var reader = new StreamReader(client.GetStream());
        var (scripts, commands, bytesIn, bytesOut, memory) = (0L, 0L, 0L, 0L, 0L);
        foreach (var line in (await reader.ReadToEndAsync(cancellation)).Split("\r\n"))
        {
            // "cmdstat_evalsha:calls=1234,usec=…", "total_net_input_bytes:1234"
            var (name, value) = line.Split(':', 2) is [var n, var v] ? (n, v) : ("", "");
            if (name.StartsWith("cmdstat_", StringComparison.Ordinal))
            {
                var calls = Number(value.Split('=', ',')[1]);
                commands += calls;
                if (name is "cmdstat_evalsha" or "cmdstat_eval") scripts += calls;
            }
            else if (name == "total_net_input_bytes")
            {
                bytesIn = Number(value);
            }
            else if (name == "total_net_output_bytes")
            {
                bytesOut = Number(value);
            }
            else if (name == "used_memory")
            {
                memory = Number(value);
            }
        }

        return new(scripts, commands, bytesIn, bytesOut, memory);
    }

    static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
