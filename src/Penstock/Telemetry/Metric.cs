using System.Buffers;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Penstock.Telemetry;

/// <summary>One instrument's series, as Prometheus has them (https://prometheus.io/docs/instrumenting/exposition_formats/).</summary>
internal sealed class Metric
{
    // Clients name models, and a rude one names a new one each time: what is beyond is added up in one series.
    private const int MaxSeries = 1000;

    private const string Overflow = "otel_metric_overflow=\"true\"";

    private static readonly double[] _defaultBuckets = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];

    private readonly string _name;
    private readonly string _type;
    private readonly string _description;
    private readonly bool _isAbsolute; // each measurement says the whole value
    private readonly double[]? _buckets;
    private readonly Dictionary<string, Series> _series = new(StringComparer.Ordinal);

    // Most measurements are of a series that has just had one. To find it so spares the writing of its labels, for which the next request would wait.
    private readonly (KeyValuePair<string, object?>[] Tags, Series Series)[] _latest = new (KeyValuePair<string, object?>[], Series)[8];
    private int _next;

    public Metric(Instrument instrument)
    {
        var kind = instrument.GetType().GetGenericTypeDefinition();
        _isAbsolute = instrument.IsObservable || kind == typeof(Gauge<>);
        _type = kind == typeof(Histogram<>) ? "histogram" : kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>) ? "counter" : "gauge";
        if (_type == "histogram") _buckets = BucketsOf(instrument);
        _name = NameOf(instrument.Name, instrument.Unit, _type);
        _description = (instrument.Description ?? "").Replace("\\", "\\\\", StringComparison.Ordinal).ReplaceLineEndings(" ");
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_series)
        {
            foreach (var (known, latest) in _latest)
            {
                if (known is null || !AreSame(known, tags)) continue;
                latest.Add(value, _isAbsolute);
                return;
            }

            var labels = LabelsOf(tags);
            if (!_series.TryGetValue(labels, out var series))
            {
                if (_series.Count >= MaxSeries) labels = Overflow;
                if (!_series.TryGetValue(labels, out series)) _series[labels] = series = new Series(_buckets);
            }

            series.Add(value, _isAbsolute);
            _latest[(uint)_next++ % _latest.Length] = (tags.ToArray(), series);
        }
    }

    private static bool AreSame(KeyValuePair<string, object?>[] known, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (known.Length != tags.Length) return false;
        for (var i = 0; i < known.Length; i++)
        {
            if (!string.Equals(known[i].Key, tags[i].Key, StringComparison.Ordinal) || !Equals(known[i].Value, tags[i].Value)) return false;
        }

        return true;
    }

    public void Write(IBufferWriter<byte> output)
    {
        var text = new StringBuilder();
        lock (_series)
        {
            if (_series.Count == 0) return;
            text.Append(CultureInfo.InvariantCulture, $"# HELP {_name} {_description}\n# TYPE {_name} {_type}\n");
            foreach (var (labels, series) in _series) series.Write(text, _name, labels);
        }

        output.Write(Encoding.UTF8.GetBytes(text.ToString()));
    }

    // https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
    private static string NameOf(string name, string? unit, string type)
    {
        var plain = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        var suffix = unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        if (!plain.EndsWith(suffix, StringComparison.Ordinal)) plain += suffix;
        return type == "counter" && !plain.EndsWith("_total", StringComparison.Ordinal) ? $"{plain}_total" : plain;
    }

    private static double[] BucketsOf(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } buckets } => [.. buckets],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } buckets } => [.. buckets.Select(b => (double)b)],
        _ => _defaultBuckets,
    };

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty) return "";
        var text = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            if (text.Length > 0) text.Append(',');
            foreach (var c in name) text.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
            text.Append("=\"");
            foreach (var c in Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")
            {
                if (c is '\\' or '"') text.Append('\\').Append(c);
                else if (c == '\n') text.Append("\\n");
                else text.Append(c);
            }

            text.Append('"');
        }

        return text.ToString();
    }

    private sealed class Series(double[]? buckets)
    {
        private readonly long[] _counts = new long[(buckets?.Length ?? 0) + 1];
        private double _sum;

        public void Add(double value, bool isAbsolute)
        {
            _sum = isAbsolute ? value : _sum + value;
            if (buckets is null) return;
            var place = Array.BinarySearch(buckets, value);
            _counts[place < 0 ? ~place : place]++; // a bound is part of its bucket
        }

        public void Write(StringBuilder text, string name, string labels)
        {
            var braced = labels.Length == 0 ? "" : $"{{{labels}}}";
            if (buckets is null)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}{braced} {_sum:R}\n");
                return;
            }

            var separator = labels.Length == 0 ? "" : ",";
            var count = 0L;
            for (var i = 0; i < _counts.Length; i++)
            {
                count += _counts[i];
                var bound = i < buckets.Length ? buckets[i].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
                text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}{separator}le=\"{bound}\"}} {count}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"{name}_sum{braced} {_sum:R}\n{name}_count{braced} {count}\n");
        }
    }
}
