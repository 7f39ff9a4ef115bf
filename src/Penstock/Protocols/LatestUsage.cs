namespace Penstock.Protocols;

/// <summary>The latest usage that a provider reported, raw: some send a running one with every token, and only the last is worth parsing.</summary>
internal sealed class LatestUsage
{
    private byte[] _json = [];
    private int _length;

    /// <summary>The usage object; empty where none came.</summary>
    public ReadOnlySpan<byte> Json => _json.AsSpan(0, _length);

    public void Take(ReadOnlySpan<byte> json)
    {
        if (_json.Length < json.Length) _json = new byte[json.Length * 2];
        json.CopyTo(_json);
        _length = json.Length;
    }
}
