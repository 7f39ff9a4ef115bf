using System.Buffers;
using System.Text;

namespace Penstock.Tests.Fuzz;

/// <summary>Makes documents that are nearly right out of ones that are: by values, members and names first, and by bytes now and then.</summary>
internal sealed class JsonMutator(IReadOnlyList<JsonSeed> seeds)
{
    private static readonly byte[][] _odd =
    [
        .. new[]
        {
            "null", "true", "false", "0", "-0", "-1", "1.5", "1e999", "-1e400", "9223372036854775807", "9223372036854775808", "1E-400", "[]", "{}", "[[]]", "[null]", "[{}]", "[\"x\"]", "{\"type\":\"text\"}",
            "{\"text\":1}", "{\"\":{}}", "\"\"", "\"x\"", "\"\\ud800\"", "\"\\udc00x\"", "\"\\u0000\"", "\"\\r\\nevil: 1\\r\\n\\r\\n\"", "\"data: x\\n\\n\"", "\"好😀\"", "\"{\\\"a\\\":\"", "\"{\\\"a\\\":1}\"",
            "{\"\\ud800\":1}", "\"data:image/png;base64,AAAA\"", "\"data:,\"", "\"http://127.0.0.1/x\"", "\"assistant\"", "\"tool\"", "\"error\"",
        }.Select(Encoding.UTF8.GetBytes),
        Encoding.UTF8.GetBytes(new string('[', 300) + new string(']', 300)),
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 120)) + "1" + new string('}', 120)),
        Encoding.UTF8.GetBytes($"\"{new string('x', 3000)}\""),
        [(byte)'"', 0xff, 0xc3, (byte)'"'],
    ];

    /// <summary>Writes a document made from one of the seeds.</summary>
    public void Write(ref FuzzRandom random, ArrayBufferWriter<byte> output) => Write(ref random, random.Of(seeds), output);

    /// <summary>Writes a document made from this seed.</summary>
    public void Write(ref FuzzRandom random, JsonSeed seed, ArrayBufferWriter<byte> output)
    {
        var at = 0;
        Span<(int Start, int End, int Kind)> edits = stackalloc (int, int, int)[random.Below(5)];
        foreach (ref var edit in edits) edit = Draw(ref random, seed);
        edits.Sort(static (a, b) => a.Start.CompareTo(b.Start));
        foreach (var (start, end, kind) in edits)
        {
            if (start < at) continue; // within what was replaced already
            output.Write(seed.Bytes.AsSpan(at, start - at));
            Replace(ref random, seed.Bytes.AsSpan(start, end - start), kind, output);
            at = end;
        }

        output.Write(seed.Bytes.AsSpan(at));
        if (random.OneIn(6)) Damage(ref random, output);
    }

    private static (int Start, int End, int Kind) Draw(ref FuzzRandom random, JsonSeed seed)
    {
        var kind = random.Below(8);
        var from = kind switch { 0 => seed.Names, 1 or 2 => seed.Members, _ => seed.Values };
        if (from.Count == 0) return (seed.Bytes.Length, seed.Bytes.Length, 3);
        var range = random.Of(from);
        return (range.Start.Value, range.End.Value, kind);
    }

    private void Replace(ref FuzzRandom random, ReadOnlySpan<byte> old, int kind, ArrayBufferWriter<byte> output)
    {
        var other = random.Of(seeds);
        switch (kind)
        {
            case 0 when other.Names.Count > 0:
                output.Write(other.Bytes.AsSpan(random.Of(other.Names)));
                break;
            case 1: // twice, or another's
                output.Write(random.OneIn(2) || other.Members.Count == 0 ? old : other.Bytes.AsSpan(random.Of(other.Members)));
                output.Write(","u8);
                output.Write(old);
                break;
            case 2: // gone, with a name left so that the commas fit
                output.Write("\"_\":0"u8);
                break;
            case 3 or 4:
                output.Write(random.Of(_odd));
                break;
            case 5:
                output.Write(other.Bytes.AsSpan(random.Of(other.Values)));
                break;
            case 6:
                output.Write("["u8);
                output.Write(old);
                output.Write("]"u8);
                break;
            default:
                output.Write("{\"type\":"u8);
                output.Write(old);
                output.Write("}"u8);
                break;
        }
    }

    /// <summary>Spoils bytes: changes, drops, repeats or cuts some.</summary>
    public static void Damage(ref FuzzRandom random, ArrayBufferWriter<byte> output)
    {
        var bytes = output.WrittenSpan.ToArray();
        output.ResetWrittenCount();
        if (bytes.Length == 0) return;
        var at = random.Below(bytes.Length);
        var length = Math.Min(1 + random.Below(16), bytes.Length - at);
        output.Write(bytes.AsSpan(0, at));
        switch (random.Below(5))
        {
            case 0:
                output.Write([(byte)random.Next()]);
                break;
            case 1:
                at += length;
                break;
            case 2:
                output.Write(bytes.AsSpan(at, length));
                break;
            case 3:
                return;
            default:
                output.Write([(byte)(bytes[at++] ^ (1 << random.Below(8)))]);
                break;
        }

        output.Write(bytes.AsSpan(at));
    }
}
