using System.Collections;
using Microsoft.AspNetCore.Http.Features;

namespace Penstock.AspNetCore.Transport;

/// <summary>A connection's few features, in an array: a dictionary for each of thousands of idle connections would weigh more than the rest of them.</summary>
internal sealed class ConnectionFeatures : IFeatureCollection
{
    private KeyValuePair<Type, object>[] _features = new KeyValuePair<Type, object>[12];
    private int _count;

    public bool IsReadOnly => false;

    public int Revision { get; private set; }

    public object? this[Type key]
    {
        get => IndexOf(key) is var index and >= 0 ? _features[index].Value : null;
        set
        {
            Revision++;
            var index = IndexOf(key);
            if (value is null)
            {
                if (index < 0) return;
                _features[index] = _features[--_count];
                _features[_count] = default;
                return;
            }

            if (index < 0)
            {
                if (_count == _features.Length) Array.Resize(ref _features, _count * 2);
                index = _count++;
            }

            _features[index] = new(key, value);
        }
    }

    public TFeature? Get<TFeature>() => (TFeature?)this[typeof(TFeature)];

    public void Set<TFeature>(TFeature? instance) => this[typeof(TFeature)] = instance;

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => _features.Take(_count).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int IndexOf(Type key)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_features[i].Key == key) return i;
        }

        return -1;
    }
}
