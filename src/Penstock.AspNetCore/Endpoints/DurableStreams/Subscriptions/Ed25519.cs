using System.Numerics;
using System.Security.Cryptography;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>
/// Signs by Ed25519 (RFC 8032), which .NET has not. Made for a webhook now and then: plain arithmetic, some milliseconds a
/// signature, and not in constant time, so nothing here may sign what a stranger can time closely.
/// </summary>
internal static class Ed25519
{
    public const int KeySize = 32;

    private static readonly BigInteger _p = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger _order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);
    private static readonly BigInteger _d = Mod(-121665 * Inverse(121666));
    private static readonly Point _base = BasePoint();

    /// <summary>The public key of a private one, which is any 32 random bytes.</summary>
    public static byte[] PublicKey(ReadOnlySpan<byte> privateKey) => Encode(Multiply(_base, Scalar(SHA512.HashData(privateKey))));

    public static byte[] Sign(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> message)
    {
        var hash = SHA512.HashData(privateKey);
        var scalar = Scalar(hash);
        var publicKey = Encode(Multiply(_base, scalar));
        var r = Number(SHA512.HashData([.. hash.AsSpan(KeySize), .. message])) % _order;
        var point = Encode(Multiply(_base, r));
        var k = Number(SHA512.HashData([.. point, .. publicKey, .. message])) % _order;
        return [.. point, .. Bytes((r + (k * scalar)) % _order)];
    }

    private static BigInteger Scalar(byte[] hash)
    {
        var bytes = hash[..KeySize];
        bytes[0] &= 248;
        bytes[31] &= 127;
        bytes[31] |= 64;
        return Number(bytes);
    }

    private static Point Multiply(Point point, BigInteger by)
    {
        var sum = new Point(0, 1, 1, 0);
        for (; by > 0; by >>= 1)
        {
            if (!by.IsEven) sum = Add(sum, point);
            point = Add(point, point);
        }

        return sum;
    }

    private static Point Add(in Point p, in Point q)
    {
        var a = Mod((p.Y - p.X) * (q.Y - q.X));
        var b = Mod((p.Y + p.X) * (q.Y + q.X));
        var c = Mod(2 * p.T * q.T * _d);
        var d = Mod(2 * p.Z * q.Z);
        var (e, f, g, h) = (b - a, d - c, d + c, b + a);
        return new Point(Mod(e * f), Mod(g * h), Mod(f * g), Mod(e * h));
    }

    private static byte[] Encode(in Point point)
    {
        var inverse = Inverse(point.Z);
        var bytes = Bytes(Mod(point.Y * inverse));
        if (!Mod(point.X * inverse).IsEven) bytes[31] |= 128;
        return bytes;
    }

    private static Point BasePoint()
    {
        var y = Mod(4 * Inverse(5));
        var square = Mod(((y * y) - 1) * Inverse((_d * y * y) + 1));
        var x = BigInteger.ModPow(square, (_p + 3) / 8, _p);
        if (Mod((x * x) - square) != 0) x = Mod(x * BigInteger.ModPow(2, (_p - 1) / 4, _p));
        if (!x.IsEven) x = _p - x;
        return new Point(x, y, 1, Mod(x * y));
    }

    private static BigInteger Inverse(BigInteger number) => BigInteger.ModPow(Mod(number), _p - 2, _p);

    private static BigInteger Mod(BigInteger number)
    {
        var rest = number % _p;
        return rest.Sign < 0 ? rest + _p : rest;
    }

    private static BigInteger Number(ReadOnlySpan<byte> littleEndian) => new(littleEndian, isUnsigned: true);

    private static byte[] Bytes(BigInteger number)
    {
        var bytes = new byte[KeySize];
        number.TryWriteBytes(bytes, out _, isUnsigned: true);
        return bytes;
    }

    /// <summary>In extended coordinates.</summary>
    private readonly record struct Point(BigInteger X, BigInteger Y, BigInteger Z, BigInteger T);
}
