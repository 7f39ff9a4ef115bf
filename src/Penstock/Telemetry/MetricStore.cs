using System.Buffers;
using System.Diagnostics.Metrics;

namespace Penstock.Telemetry;

/// <summary>Keeps what Penstock's meter and the runtime's measure, and writes it as Prometheus reads it.</summary>
internal sealed class MetricStore : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly List<Metric> _metrics = [];
    private readonly Lock _collecting = new();

    public MetricStore()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name is not (PenstockMeter.Name or "System.Runtime")) return;
            var metric = new Metric(instrument);
            lock (_metrics) _metrics.Add(metric);
            listener.EnableMeasurementEvents(instrument, metric);
        };
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, metric) => ((Metric)metric!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, metric) => ((Metric)metric!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, metric) => ((Metric)metric!).Record(value, tags));
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(typeof(PenstockMeter).TypeHandle);
        _listener.Start();
    }

    /// <summary>Writes all metrics in Prometheus' text format, version 0.0.4.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        lock (_collecting)
        {
            _listener.RecordObservableInstruments();
            Metric[] metrics;
            lock (_metrics) metrics = [.. _metrics];
            foreach (var metric in metrics) metric.Write(output);
        }
    }

    public void Dispose() => _listener.Dispose();
}
