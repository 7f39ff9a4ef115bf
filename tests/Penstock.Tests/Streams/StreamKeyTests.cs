using System.Globalization;
using Penstock.Streams;

namespace Penstock.Tests.Streams;

public sealed class StreamKeyTests
{
    private const string Id = "0123456789abcdef0123456789abcdef";

    private readonly StreamKey.Maker _keys = new();

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData(Id)]
    [InlineData("generations/gen_" + Id)]
    [InlineData("generations/gen_0123456789ABCDEF0123456789ABCDEF")]
    [InlineData("generations/gen_00000000000000000000000000000000")]
    [InlineData("generations/gen_00000000000000000000000000000001")]
    [InlineData("generations/gen_ffffffffffffffff0000000000000000")]
    [InlineData("generations/gen_" + Id + "/part")]
    public void A_path_is_found_by_its_key_and_can_be_told_again(string path)
    {
        var key = _keys.New(path);
        key.ToString().ShouldBe(path);
        _keys.Find(path).ShouldBe(key);
        _keys.Find(path).GetHashCode().ShouldBe(key.GetHashCode());
        for (var length = 0; length <= path.Length; length++) key.StartsWith(path[..length]).ShouldBeTrue();
        key.StartsWith(path + "x").ShouldBeFalse();
        if (path.Length > 0) key.StartsWith(path[..^1] + "x").ShouldBeFalse();
    }

    [Fact]
    public void No_two_paths_have_the_same_key()
    {
        string[] heads = ["a", "b", "aa", "", "/"];
        string[] ids = [Id, new('0', 32), new('f', 32), new string('0', 31) + "1", "1" + new string('0', 31), Id[1..], "0" + Id];
        var paths = heads.SelectMany(head => ids.Select(id => head + id)).Concat(heads).Distinct().ToList();
        paths.Select(_keys.New).Distinct().Count().ShouldBe(paths.Count);
        paths.ShouldAllBe(path => _keys.New(path).ToString() == path);
    }

    [Fact]
    public void Beginnings_without_end_fill_no_memory_and_each_path_keeps_its_key()
    {
        var paths = Enumerable.Range(0, 1000).Select(i => string.Create(CultureInfo.InvariantCulture, $"room-{i}/{Id}")).ToList();
        var keys = paths.ConvertAll(_keys.New);
        for (var i = 0; i < paths.Count; i++) _keys.Find(paths[i]).ShouldBe(keys[i]);
        keys.Distinct().Count().ShouldBe(paths.Count);
    }
}
