using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;

namespace Penstock.Streams;

/// <summary>
/// A stream's path as a catalog keeps it. One that ends as ids do, in 128 bits of hex, is kept as those bits and a beginning that
/// all of its kind share.
/// </summary>
internal readonly record struct StreamKey
{
    private const int HexLength = 32;

    private readonly string _head;
    private readonly ulong _high;
    private readonly ulong _low;

    private StreamKey(string head, ulong high = 0, ulong low = 0) => (_head, _high, _low) = (head, high, low);

    // An id of zeros is none: its path is kept as it is.
    private bool HasId => (_high | _low) != 0;

    public bool StartsWith(string prefix) =>
        prefix.Length <= _head.Length || !HasId ? _head.StartsWith(prefix, StringComparison.Ordinal) : ToString().StartsWith(prefix, StringComparison.Ordinal);

    /// <summary>The path.</summary>
    public override string ToString() => HasId ? string.Create(CultureInfo.InvariantCulture, $"{_head}{_high:x16}{_low:x16}") : _head;

    // Not the record's own, by which somebody could make up paths that all have the same.
    public override int GetHashCode() => HasId ? HashCode.Combine(_high, _low) : _head.GetHashCode(StringComparison.Ordinal);

    /// <summary>Makes the keys of one catalog.</summary>
    public sealed class Maker
    {
        // Whoever makes up paths must not fill the memory with beginnings.
        private const int MaxHeads = 64;

        private static readonly SearchValues<char> _hex = SearchValues.Create("0123456789abcdef");

        private readonly ConcurrentDictionary<string, string> _heads = new(StringComparer.Ordinal);

        /// <summary>The key of a stream that is to be added; a beginning that is noted stays, so that the same path always has the same key.</summary>
        public StreamKey New(string path)
        {
            var key = Find(path);
            if (key.HasId || HeadOf(path) is not { Length: > 0 } head) return key;
            lock (_heads) // or one might be noted when somebody else has found no room for it
            {
                if (_heads.Count < MaxHeads) _heads.TryAdd(head.ToString(), head.ToString());
                return Find(path);
            }
        }

        /// <summary>The key by which a path was added, if it was.</summary>
        public StreamKey Find(string path)
        {
            var head = HeadOf(path);
            if (head.IsEmpty || !_heads.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(head, out var shared)) return new StreamKey(path);
            var digits = path.AsSpan(head.Length);
            return new StreamKey(shared, Parse(digits[..(HexLength / 2)]), Parse(digits[(HexLength / 2)..]));
        }

        private static ulong Parse(ReadOnlySpan<char> digits) => ulong.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

        private static ReadOnlySpan<char> HeadOf(string path)
        {
            var length = path.Length - HexLength;
            return length <= 0 || path.AsSpan(length).ContainsAnyExcept(_hex) || !path.AsSpan(length).ContainsAnyExcept('0') ? default : path.AsSpan(0, length);
        }
    }
}
