using Diffusion.Checkpoints;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Tests.Networks;
using Xunit;

namespace Diffusion.Tests.Pipelines;

/// <summary>A model whose network attends to a context, from the folder to guided samples.</summary>
public class ConditionalModelTests
{
    private static DiffusionModel Tiny()
    {
        manual_seed(0);
        return new DiffusionModel(
            new ConditionalUNet(ConditionalUNetConfigs.Tiny), new ModelDescription(new RectifiedFlowSchedule(), Parameterization.Velocity(), 4, 8, 8));
    }

    [Fact]
    public void AFolderHoldsTheWholeModel()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Tiny();
        model.Save(folder.Path);
        using var loaded = DiffusionModel.Load(folder.Path);
        Assert.Equal(ConditionalUNetConfigs.Tiny, Assert.IsType<ConditionalUNet>(loaded.Network).Config);
        Assert.True(Sample(model, 1, 2).eq(Sample(loaded, 1, 2)).all().item<bool>());
    }

    [Fact]
    public void SamplesFollowTheContextAndItsGuidance()
    {
        using var scope = NewDisposeScope();
        using var model = Tiny();
        Assert.True((Sample(model, 1, 1) - Sample(model, 2, 1)).abs().max().item<float>() > 1e-3);
        Assert.True((Sample(model, 1, 1) - Sample(model, 1, 4)).abs().max().item<float>() > 1e-3);
        Assert.True(Sample(model, 0, 1).allclose(Sample(model, 0, 4), 1e-4, 1e-4)); // away from itself there is nowhere to go
    }

    [Fact]
    public void SamplingWithoutTheContextSaysWhatIsMissing()
    {
        using var scope = NewDisposeScope();
        using var model = Tiny();
        Assert.Contains("Context is missing", Assert.Throws<ArgumentException>(() => model.Sample(1, steps: 1)).Message, StringComparison.Ordinal);
    }

    private static Tensor Sample(DiffusionModel model, double context, double guidance)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var noise = NoiseSource.FromSeed(3);
        var condition = new Conditioning { Context = arange(120, dtype: float32).view(2, 5, 12).sin() * context };
        var start = model.Description.Schedule.DrawPrior([2, 4, 8, 8], noise);
        var grid = TimeGrid.Uniform(model.Description.Schedule, 3);
        return new DdimSampler().Sample(model.Bind(condition, guidance), start, grid, noise).MoveToOuterDisposeScope();
    }
}
