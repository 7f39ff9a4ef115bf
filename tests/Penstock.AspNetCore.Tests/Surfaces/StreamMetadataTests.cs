using System.Text;
using Penstock.AspNetCore.Endpoints.DurableStreams;
using Penstock.Streams;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>A stream's label is written by a serializer, and read by hand.</summary>
public sealed class StreamMetadataTests
{
    [Fact]
    public void What_is_written_is_read_again()
    {
        var all = new StreamMetadata("text/plain; a=\"\u00fc\"", 1, "2030-01-02T03:04:05Z", "a/\"b\"\\\u00fc", 2, 3) { Owner = "al\"ice" };
        foreach (var property in typeof(StreamMetadata).GetProperties().Where(p => p.CanWrite))
            property.GetValue(all).ShouldNotBe(property.PropertyType.IsValueType ? Activator.CreateInstance(property.PropertyType) : null, $"say something of {property.Name} here");
        foreach (var metadata in new[] { all, new StreamMetadata("application/json"), new StreamMetadata("a/b") { Owner = "bob" } })
        {
            Read(metadata.ToBytes()).ShouldBe(metadata);
            var later = Encoding.UTF8.GetString(metadata.ToBytes())[1..];
            Read(Encoding.UTF8.GetBytes($$$"""{"later":{"owner":"eve"},"more":[{"contentType":"x/y"}],{{{later}}}""")).ShouldBe(metadata);
        }
    }

    private static StreamMetadata Read(byte[] bytes) =>
        StreamMetadata.Of(new StreamInfo { Path = "s/a", CreatedAt = default, Number = 1, Shared = true, Epoch = 0, FirstOffset = 0, NextOffset = 0, Closed = false, Metadata = bytes });
}
