using Xunit;

namespace Diffusion.Tests.Core;

public class AutocastTests
{
    [Fact]
    public void IsAtHandHere() => Assert.NotNull(Autocast.Instance);

    [Fact]
    public void AMissingFunctionIsNoticed()
    {
        Assert.NotNull(Autocast.Find(AutocastSymbols.Itanium));
        foreach (var broken in new[]
        {
            AutocastSymbols.Itanium with { IsEnabled = "none" }, AutocastSymbols.Itanium with { SetEnabled = "none" }, AutocastSymbols.Itanium with { GetDtype = "none" },
            AutocastSymbols.Itanium with { SetType = "none" }, AutocastSymbols.Itanium with { ClearCache = "none" }, AutocastSymbols.Microsoft,
        })
            Assert.Null(Autocast.Find(broken));
    }

    // The same signature, and so callable, but it does not switch anything on.
    [Fact]
    public void AFunctionThatDoesNotDoItsWorkIsNoticed() =>
        Assert.Null(Autocast.Find(AutocastSymbols.Itanium with { SetEnabled = AutocastSymbols.Itanium.SetType, SetType = AutocastSymbols.Itanium.SetType }));

    [Fact]
    public void ARegionIsOnInsideAndOffAfterOnItsThreadAlone()
    {
        var autocast = Autocast.Instance!;
        using var scope = NewDisposeScope();
        var x = ones(2, 2);
        using (autocast.Enter(DeviceType.CPU))
        {
            Assert.True(autocast.IsOn(DeviceType.CPU));
            Assert.Equal(ScalarType.BFloat16, mm(x, x).dtype);
            var elsewhere = false;
            var thread = new Thread(() => elsewhere = autocast.IsOn(DeviceType.CPU));
            thread.Start();
            thread.Join();
            Assert.False(elsewhere);
            using (autocast.Enter(DeviceType.CPU)) Assert.True(autocast.IsOn(DeviceType.CPU));
            Assert.True(autocast.IsOn(DeviceType.CPU));
        }

        Assert.False(autocast.IsOn(DeviceType.CPU));
        Assert.Equal(ScalarType.Float32, mm(x, x).dtype);
    }

    // A weight that was converted inside a region must not be remembered after an optimizer changed it.
    [Fact]
    public void ConvertedWeightsAreForgotten()
    {
        var autocast = Autocast.Instance!;
        using var scope = NewDisposeScope();
        using var layer = nn.Linear(2, 2, hasBias: false);
        var x = ones(1, 2);
        float Sum()
        {
            using (autocast.Enter(DeviceType.CPU)) return layer.call(x).to(float32).sum().item<float>();
        }

        Sum();
        using (no_grad()) layer.weight!.fill_(2);
        Assert.Equal(8, Sum());
    }
}
