using System.Security.Cryptography;
using System.Text;

namespace Penstock.Redis;

/// <summary>A script that Redis runs as one step. It is sent once, and from then on called by its hash.</summary>
internal sealed class RedisScript
{
    private RedisScript(string name, string shared = "stream")
    {
        Text = Load(shared) + Load(name);
#pragma warning disable CA5350 // it is Redis' name for the script, not a secret
        Hash = SHA1.HashData(Encoding.UTF8.GetBytes(Text));
#pragma warning restore CA5350
    }

    public static RedisScript Append { get; } = new("append");

    public static RedisScript AppendShared { get; } = new("append-shared");

    public static RedisScript Create { get; } = new("create");

    public static RedisScript Delete { get; } = new("delete");

    public static RedisScript Fork { get; } = new("fork");

    public static RedisScript LimitKeep { get; } = new("limit-keep", "limit");

    public static RedisScript LimitReserve { get; } = new("limit-reserve", "limit");

    public static RedisScript LimitSettle { get; } = new("limit-settle", "limit");

    public static RedisScript LimitUse { get; } = new("limit-use", "limit");

    public static RedisScript Read { get; } = new("read");

    public static RedisScript Release { get; } = new("release");

    public static RedisScript TakeOver { get; } = new("take-over");

    public string Text { get; }

    public byte[] Hash { get; }

    private static string Load(string name)
    {
        using var stream = typeof(RedisScript).Assembly.GetManifestResourceStream($"{name}.lua")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
