using Diffusion.Denoisers;
using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>Starting where nothing of the data is left (α = 0), as flow matching and the cosine schedule do at t = 1.</summary>
public class PureNoiseTests
{
    public static TheoryData<string, string> FromPureNoise => On(entry => entry is { FromPureNoise: true, Affine: true } && (entry.Flow ?? entry.Weak) is not null);

    public static TheoryData<string, string> NotFromPureNoise => On(entry => !entry.FromPureNoise);

    [Theory, MemberData(nameof(FromPureNoise))]
    public void ARunFromPureNoiseReachesTheData(string sampler, string schedule)
    {
        var entry = SamplerCatalogue.Of(sampler);
        const int steps = 256;
        var denoiser = new GaussianDenoiser(LawSchedules.Of(schedule), 0.3, 0.5);
        var (mean, variance) = MomentPropagation.Of(entry.Make(steps), denoiser, TimeGrid.Uniform(denoiser.Schedule, steps), 0, 1, entry.WeakNeedsPath);
        Assert.Equal(0.3, mean, 0.01);
        Assert.Equal(0.25, variance, 0.04); // a first step gone wrong leaves at least twice that much; 0.04 is what the least accurate method of the list needs
    }

    [Theory, MemberData(nameof(NotFromPureNoise))]
    public void ASamplerThatCannotSaysSo(string sampler, string schedule)
    {
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var denoiser = new GaussianDenoiser(LawSchedules.Of(schedule), 0.3, 0.5);
        var error = Assert.Throws<ArgumentException>(() =>
            SamplerCatalogue.Of(sampler).Make(8).Sample(denoiser, ones(2, 1), TimeGrid.Uniform(denoiser.Schedule, 8), noise));
        Assert.Contains("α", error.Message, StringComparison.Ordinal);
    }

    private static TheoryData<string, string> On(Func<CatalogueEntry, bool> of)
    {
        var data = new TheoryData<string, string>();
        foreach (var entry in SamplerCatalogue.All.Where(of))
        {
            data.Add(entry.Name, "flow");
            data.Add(entry.Name, "cosine");
        }

        return data;
    }
}
