using System.Buffers;
using Penstock.Protocols;

namespace Penstock.Generations.Filters;

/// <summary>One block's way through all filters, one after another.</summary>
internal sealed class FilteredBlock(IReadOnlyList<OutputFilter> filters)
{
    private readonly TextFilter[] _stages = [.. filters.Select(f => new TextFilter(f))];
    private readonly ArrayBufferWriter<byte> _signature = new();
    private readonly ArrayBufferWriter<byte> _output = new();
    private ArrayBufferWriter<char> _in = new();
    private ArrayBufferWriter<char> _out = new();
    private bool _altered;

    /// <summary>The filter that ended the answer, once one has.</summary>
    public OutputFilter? StoppedBy { get; private set; }

    /// <summary>The block's signature; none once the text is not the one that was signed.</summary>
    public ReadOnlySpan<byte> Signature => _altered ? default : _signature.WrittenSpan;

    public void AddSignature(ReadOnlySpan<byte> signature) => _signature.Write(signature);

    /// <summary>Takes what came.</summary>
    /// <param name="escaped">The next of the text, as events carry it.</param>
    /// <param name="end">Whether nothing follows.</param>
    /// <returns>What may be shown; valid until the next call.</returns>
    public ReadOnlySpan<byte> Take(ReadOnlySpan<byte> escaped, bool end)
    {
        _in.ResetWrittenCount();
        _in.Write(JsonText.ToText(escaped));
        for (var i = 0; i < _stages.Length; i++)
        {
            _out.ResetWrittenCount();
            if (!_stages[i].Take(_in.WrittenSpan, end, _out, ref _altered))
            {
                StoppedBy ??= filters[i];
                end = true; // what stood before is the last of the text for the others
            }

            (_in, _out) = (_out, _in);
        }

        _output.ResetWrittenCount();
        JsonText.Escape(_in.WrittenSpan, _output);
        return _output.WrittenSpan;
    }
}
